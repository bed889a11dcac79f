//go:build !slow

package printer_test

// matrixStep is the distance between the bytes at which the fault matrix strikes.
const matrixStep = 10

// realStep is the same on real lines.
const realStep = 61

// otherPlaces is how many places of a ticket are struck on other printers.
const otherPlaces = 3

// crashStep is added to a fortieth of a ticket for the places where an earlier process died.
const crashStep = 6
