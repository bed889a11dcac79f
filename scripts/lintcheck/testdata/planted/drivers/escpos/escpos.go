// Package escpos is imported by a planted fault.
package escpos

// Name is imported.
const Name = "escpos"
