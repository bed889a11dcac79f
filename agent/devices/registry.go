package devices

import (
	"sync"

	"github.com/okienko/okienko/drivers"
)

// Status is one line of the device list that administrators see.
type Status struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	drivers.Health
}

// Registry lists the devices of the branch. Its methods may be called from any goroutine.
type Registry struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	name, kind string
	device     drivers.Device
}

// Add puts a device on the list; the order of adding is the order of the list.
func (r *Registry) Add(name, kind string, d drivers.Device) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, entry{name, kind, d})
}

// Devices gives every device with its present health.
func (r *Registry) Devices() []Status {
	r.mu.Lock()
	entries := r.entries
	r.mu.Unlock()
	list := make([]Status, len(entries))
	for i, e := range entries {
		list[i] = Status{Name: e.name, Kind: e.kind, Health: e.device.Health()}
	}
	return list
}
