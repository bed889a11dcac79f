//go:build slow

package printer_test

// matrixStep strikes at every byte.
const matrixStep = 1

// realStep is the same on real lines.
const realStep = 7

// otherPlaces is how many places of a ticket are struck on other printers.
const otherPlaces = 10

// crashStep is added to a fortieth of a ticket for the places where an earlier process died.
const crashStep = 1
