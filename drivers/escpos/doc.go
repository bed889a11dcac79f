// Package escpos turns a paper.Document into the bytes of an ESC/POS printer and reads the bytes
// that come back.
//
// It is pure: no I/O, no clock. What differs from printer to printer is data, a Profile. The
// sources of the byte sequences are the Epson ESC/POS references and the vendors' manuals, named
// at each constant.
package escpos
