package main

import (
	"testing"
	"time"
)

// TestZoneKeepsAwayFromMidnight: at any hour of any day the town has at least five hours of its
// office day left.
func TestZoneKeepsAwayFromMidnight(t *testing.T) {
	for hour := range 366 * 24 {
		now := time.Date(2026, 1, 1, hour, 59, 0, 0, time.UTC)
		name := zone(now)
		place, err := time.LoadLocation(name)
		if err != nil {
			t.Fatalf("zone %s at %v: %v", name, now, err)
		}
		if local := now.In(place); local.Hour() >= evening {
			t.Errorf("at %v it is %v in %s", now, local, name)
		}
	}
}
