// Package configs reads YAML strictly, makes JSON schemas from the same structs, and embeds the
// samples that ship with Okienko.
//
// Every YAML file of the project, from the branch's configuration to a printer profile, goes
// through Decode or Parse, so that every fault is told in one way: file, line, column, the line
// itself with a caret, and a hint. All faults of a file are told at once. The package does no I/O,
// keeps no state and starts no goroutine; its functions may be called from any goroutine.
package configs

import "embed"

// Samples holds the files that ship with Okienko: agent.yaml (the defaults, commented),
// branches/*.yaml (examples to start from) and systemd/ (units).
//
//go:embed agent.yaml branches systemd
var Samples embed.FS

// Decode reads the YAML document in data into the struct that into points to. name is the file's
// name for the messages. Unknown and duplicate keys are errors, and so are keys without a value.
// Fields that the document does not mention keep the values they had, so that defaults are set
// before the call; a list or a map in the document replaces the one that was there.
//
// The error is a Faults with everything that is wrong. A field's key is its yaml tag, else its
// json tag. Fields may be structs, maps, slices, pointers, scalars, time.Duration (as 1m30s) and
// types with UnmarshalText.
func Decode(name string, data []byte, into any) error {
	doc, err := Parse(name, data)
	if err != nil {
		return err
	}
	return doc.Decode(into)
}
