package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/okienko/okienko/configs"
	"github.com/okienko/okienko/protocol"
)

// Known is what the drivers know and this package does not; what is left out is not checked.
type Known struct {
	// Profiles are the names of the printers' profiles.
	Profiles []string
	// Board says why a board cannot be as described, or cannot show the numbers of a service whose
	// letter is among letters.
	Board func(b Board, letters []string) error
	// Voice says why the loudspeaker cannot be as described.
	Voice func(v Voice) error
}

// Load reads and checks the configuration file at path, as Read does, without the warnings.
func Load(path string, known Known) (Config, error) {
	c, _, err := LoadWarn(path, known)
	return c, err
}

// LoadWarn reads and checks the configuration file at path, as Read does.
func LoadWarn(path string, known Known) (Config, configs.Faults, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, nil, fmt.Errorf("read configuration: %w", err)
	}
	return Read(path, data, known)
}

// Read makes a Config from the text of a configuration file, upon the Defaults. name is the file's
// name for the messages.
//
// The error is a configs.Faults with everything that is wrong. The warnings are things that work
// and that an office may want to change; they are empty when the error is not nil.
func Read(name string, data []byte, known Known) (Config, configs.Faults, error) {
	doc, err := configs.Parse(name, data)
	if err != nil {
		return Config{}, nil, err
	}
	doc, err = upgrade(name, data, doc, steps())
	if err != nil {
		return Config{}, nil, err
	}
	c := Defaults()
	decodeErr := doc.Decode(&c)
	c.fill()
	found := c.problems(known)
	faults, broken := errors.AsType[configs.Faults](decodeErr)
	if broken {
		found = found.besides(faults, doc)
	}
	wrong, warnings := found.at(doc)
	faults = append(faults, wrong...)
	if len(faults) > 0 {
		faults.Sort()
		return Config{}, nil, faults
	}
	warnings.Sort()
	return c, warnings, nil
}

// fill gives services and boards in the file the values that they do not mention.
func (c *Config) fill() {
	for i := range c.Services {
		s := &c.Services[i]
		if s.WalkIn == (Range{}) {
			s.WalkIn = defaultWalkIn()
		}
		if s.Booked == (Range{}) {
			s.Booked = defaultBooked()
		}
		if s.Mean == 0 {
			s.Mean = defaultMean
		}
	}
	for i := range c.Boards {
		b := &c.Boards[i]
		if b.Digits == 0 {
			b.Digits = defaultDigits
		}
		if b.Brightness == 0 {
			b.Brightness = defaultBrightness
		}
	}
}

// step rewrites a file of one version as one of the next.
type step func(data []byte) ([]byte, error)

// steps holds the migrations by the version that they start from. Version 1 is the first.
func steps() map[int]step { return map[int]step{} }

// upgrade brings a document to the present version, one step at a time.
func upgrade(name string, data []byte, doc *configs.Document, all map[int]step) (*configs.Document, error) {
	for {
		text, ok := doc.Lookup("version")
		version, err := strconv.Atoi(text)
		switch {
		case !ok:
			return nil, configs.Faults{doc.FaultAt("", "the file does not say its version",
				fmt.Sprintf("begin it with: version: %d", Version))}
		case err != nil || version < 1:
			return nil, configs.Faults{doc.FaultAt("version", fmt.Sprintf("%q is not a version", text),
				fmt.Sprintf("write version: %d", Version))}
		case version > Version:
			return nil, configs.Faults{doc.FaultAt("version", fmt.Sprintf("the file has version %d; this program knows %d",
				version, Version), "install the newer okienko-agent, or use the file that came with this one")}
		case version == Version:
			return doc, nil
		}
		data, err = all[version](data)
		if err != nil {
			return nil, fmt.Errorf("bring %s from version %d to %d: %w", name, version, version+1, err)
		}
		if doc, err = configs.Parse(name, data); err != nil {
			return nil, err
		}
	}
}

// Schema is the JSON schema of the configuration file, for editors.
func Schema() ([]byte, error) {
	return configs.Schema("Okienko: configuration of a branch", Defaults())
}

// Settings is the part of the configuration that the queue rules depend on.
func (c Config) Settings() protocol.Settings {
	s := protocol.Settings{
		Branch: c.Branch.ID, Name: c.Branch.Name, Zone: c.Branch.Zone,
		Hours: c.Hours.protocol(), Rules: c.Rules,
	}
	all := make([]protocol.ServiceID, len(c.Services))
	for i, service := range c.Services {
		all[i] = service.ID
		made := protocol.Service{
			ID: service.ID, Letter: service.Letter, Names: service.Names,
			WalkIn: protocol.NumberRange(service.WalkIn), Booked: protocol.NumberRange(service.Booked),
			Quota: service.Quota, MeanSeconds: int(service.Mean.Seconds()), BookingOnly: service.BookingOnly,
		}
		if service.Hours != nil {
			made.Hours = service.Hours.protocol()
		}
		s.Services = append(s.Services, made)
	}
	for _, counter := range c.Counters {
		skills := counter.Skills
		if len(skills) == 0 {
			skills = all
		}
		made := protocol.Counter{ID: counter.ID, Name: counter.Name, Skills: map[protocol.ServiceID]int{}}
		for _, skill := range skills {
			made.Skills[skill] = counter.Penalties[skill]
		}
		s.Counters = append(s.Counters, made)
	}
	for _, day := range c.Closed {
		s.Closed = append(s.Closed, protocol.Day(day))
	}
	return s
}

// protocol writes the week with the numbers of time.Weekday.
func (w Week) protocol() protocol.Week {
	week := protocol.Week{}
	for weekday, day := range w.days() {
		for _, span := range day.spans {
			week[weekday] = append(week[weekday], protocol.Period(span))
		}
	}
	return week
}
