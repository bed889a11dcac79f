// Package central is imported by a planted fault.
package central

// Name is imported.
const Name = "central"
