// Package drivertest checks drivers: one conformance suite per interface of package drivers, which
// every driver of that interface passes, and ports that misbehave on purpose.
//
// The suites run against an emulated device or, with a person at it, a real one. Nothing here starts
// a goroutine that outlives its call.
package drivertest
