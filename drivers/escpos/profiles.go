package escpos

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/okienko/okienko/configs"
)

//go:embed profiles/*.yaml
var builtin embed.FS

// ErrUnknownProfile means a name that is neither built in nor in the folder of one's own profiles.
var ErrUnknownProfile = errors.New("unknown printer profile")

// maxInherit bounds the chain of inherits, and so ends a circle.
const maxInherit = 5

// ProfileNames lists the built-in profiles, sorted.
func ProfileNames() []string { return names(profileFolder()) }

// LoadProfile reads the profile called name and those it inherits from, and checks the result
// (Profile.Validate). extra, which may be nil, is a folder of NAME.yaml files of one's own: a file
// there comes before the built-in profile of that name, and may inherit from any built-in one,
// also from the one it hides. A name that does not exist gives ErrUnknownProfile with the names
// that do.
func LoadProfile(name string, extra fs.FS) (Profile, error) {
	sources := []fs.FS{profileFolder()}
	if extra != nil {
		sources = []fs.FS{extra, profileFolder()}
	}
	p, err := load(name, sources, 0)
	if err != nil {
		return Profile{}, err
	}
	return p, p.Validate()
}

func profileFolder() fs.FS {
	folder, err := fs.Sub(builtin, "profiles")
	if err != nil {
		panic(err) // the name is a valid constant
	}
	return folder
}

func names(folders ...fs.FS) []string {
	var all []string
	for _, folder := range folders {
		files, err := fs.Glob(folder, "*.yaml")
		if err != nil {
			panic(err) // the pattern is a valid constant
		}
		for _, f := range files {
			all = append(all, strings.TrimSuffix(f, ".yaml"))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// load merges a profile over the one it inherits from.
func load(name string, folders []fs.FS, depth int) (Profile, error) {
	if depth > maxInherit {
		return Profile{}, fmt.Errorf("printer profile %s: inherits runs in a circle", name)
	}
	data, at, err := find(name, folders)
	if err != nil {
		return Profile{}, err
	}
	file := name + ".yaml"
	var own Profile
	if err := configs.Decode(file, data, &own); err != nil {
		return Profile{}, fmt.Errorf("read printer profile: %w", err)
	}
	if own.Name != "" && own.Name != name {
		return Profile{}, fmt.Errorf("printer profile %s: its name says %q; leave it out", name, own.Name)
	}
	if own.Inherits == "" {
		own.Name = name
		return own, nil
	}
	if own.Inherits == name { // one's own file extends the built-in profile that it hides
		folders = folders[at+1:]
	}
	merged, err := load(own.Inherits, folders, depth+1)
	if err != nil {
		return Profile{}, fmt.Errorf("printer profile %s inherits: %w", name, err)
	}
	inherited := merged.Sources
	merged.Sources = nil
	if err := configs.Decode(file, data, &merged); err != nil {
		return Profile{}, fmt.Errorf("read printer profile: %w", err)
	}
	merged.Name = name
	merged.Sources = mergeSources(inherited, own.Sources)
	return merged, nil
}

// mergeSources lays a profile's sources over the inherited ones. The source of a whole group speaks
// for all of it, so that what was inherited for single values of that group no longer does.
func mergeSources(inherited, own map[string]Source) map[string]Source {
	merged := map[string]Source{}
	for path, source := range inherited {
		group, _, _ := strings.Cut(path, ".")
		if _, spoken := own[group]; !spoken {
			merged[path] = source
		}
	}
	maps.Copy(merged, own)
	return merged
}

// find returns the first file of that name and which folder it was in.
func find(name string, folders []fs.FS) ([]byte, int, error) {
	for i, folder := range folders {
		if !fs.ValidPath(name) || strings.ContainsRune(name, '/') {
			break
		}
		data, err := fs.ReadFile(folder, name+".yaml")
		if err == nil {
			return data, i, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, fmt.Errorf("read printer profile: %w", err)
		}
	}
	known := names(folders...)
	return nil, 0, fmt.Errorf("%w %q; did you mean %s? There are %s",
		ErrUnknownProfile, name, nearest(name, known), strings.Join(known, ", "))
}

// nearest is the name with the fewest single-letter changes to the one asked for.
func nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
