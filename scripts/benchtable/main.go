// Command benchtable reads the output of go test -bench and prints the project's figures as ratios,
// each with its goal beside it. Of repeated runs it takes the median, because disks have moods.
//
// A figure whose benchmark did not run is an error, so that a renamed benchmark is noticed. A goal
// that is missed is said and is no error: it depends on the machine.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// errMissing is the cause when a benchmark is not in the output.
var errMissing = errors.New("benchmark not found")

// values holds all values of one run by package, benchmark and unit: "engine Ticket/engine ns/op".
type values map[string][]float64

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: benchtable FILE")
		os.Exit(2)
	}
	file, err := os.Open(os.Args[1])
	if err == nil {
		err = table(file, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

// figure is one row: a value computed from medians, and the goal it is held against.
type figure struct {
	what string
	// of gives the value; text says it with its unit.
	of   func(values) (value float64, text string, err error)
	goal string
	good func(float64) bool
}

// figures are those of the issues "One branch works" and "Devices", section Figures.
func figures() []figure {
	most := func(limit float64) func(float64) bool { return func(v float64) bool { return v <= limit } }
	least := func(limit float64) func(float64) bool { return func(v float64) bool { return v >= limit } }
	shown := func(float64) bool { return true }
	const engine, escpos, agent = "engine Ticket/engine ns/op", "escpos Ticket/prepared-logo ", "okienko-agent "
	return []figure{
		{"durable ticket ÷ bare bbolt commit", ratio(engine, "engine Ticket/bbolt ns/op"), "≤ 1.2", most(1.2)},
		{"durable ticket ÷ bare write + fdatasync", ratio(engine, "engine Ticket/write4k ns/op"), "shown", shown},
		{
			"64 clients ÷ 1 client, tickets a second",
			ratio("engine Clients/1 ns/ticket", "engine Clients/64 ns/ticket"), "≥ 15", least(15),
		},
		{"encode a ticket with a prepared logo", single(escpos+"ns/op", 1e-3, "µs"), "≤ 20 µs", most(20)},
		{"  allocations", single(escpos+"allocs/op", 1, "allocations"), "≤ 4", most(4)},
		{"replay of 100,000 events", single("engine Replay100k ms/100k", 1, "ms"), "shown", shown},
		{"resident memory after 10,000 tickets", single(agent+"RSS10k rss-MB", 1, "MB"), "< 40 MB", most(40)},
		{"press to first byte on the pty, median", single(agent+"PressToFirstByte p50-ms", 1, "ms"), "shown", shown},
		{"press to first byte on the pty, p99", single(agent+"PressToFirstByte p99-ms", 1, "ms"), "≤ 100 ms", most(100)},
		{"call to a board on SPI, p99", single(agent+"Call spi-p99-ms", 1, "ms"), "≤ 150 ms", most(150)},
		{"call to a board on RS-485, p99", single(agent+"Call rs485-p99-ms", 1, "ms"), "≤ 150 ms", most(150)},
		{"call to the first sample at the player, p99", single(agent+"Call sound-p99-ms", 1, "ms"), "≤ 150 ms", most(150)},
	}
}

// table prints the rows.
func table(in io.Reader, out io.Writer) error {
	v, err := parse(in)
	if err != nil {
		return err
	}
	var faults []error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nfigure\tvalue\tgoal\t\n")
	for _, f := range figures() {
		value, text, err := f.of(v)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", strings.TrimSpace(f.what), err))
			continue
		}
		verdict := ""
		if !f.good(value) {
			verdict = "missed"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.what, text, f.goal, verdict)
	}
	return errors.Join(append(faults, w.Flush())...)
}

// ratio divides the medians of two benchmarks.
func ratio(over, under string) func(values) (float64, string, error) {
	return func(v values) (float64, string, error) {
		a, err := v.median(over)
		if err != nil {
			return 0, "", err
		}
		b, err := v.median(under)
		if err != nil {
			return 0, "", err
		}
		return a / b, fmt.Sprintf("%.2f×", a/b), nil
	}
}

// single gives the median of one benchmark in another unit.
func single(name string, scale float64, unit string) func(values) (float64, string, error) {
	return func(v values) (float64, string, error) {
		m, err := v.median(name)
		return m * scale, fmt.Sprintf("%.4g %s", m*scale, unit), err
	}
}

// median gives the middle of a benchmark's values; of an even number the lower one.
func (v values) median(name string) (float64, error) {
	all := slices.Sorted(slices.Values(v[name]))
	if len(all) == 0 {
		return 0, fmt.Errorf("%s: %w", name, errMissing)
	}
	return all[(len(all)-1)/2], nil
}

// parse reads lines such as "BenchmarkTicket/engine-2  100  123 ns/op  5 B/op  1 allocs/op"
// (golang.org/design/14313-benchmark-format).
func parse(in io.Reader) (values, error) {
	row := regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)
	v := values{}
	scanner, folder := bufio.NewScanner(in), ""
	for scanner.Scan() {
		if p, ok := strings.CutPrefix(scanner.Text(), "pkg: "); ok {
			folder = path.Base(p)
		}
		m := row.FindStringSubmatch(scanner.Text())
		if m == nil {
			continue
		}
		words := strings.Fields(m[2])
		for i := 0; i+1 < len(words); i += 2 {
			n, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				return nil, fmt.Errorf("read %q: %w", scanner.Text(), err)
			}
			key := folder + " " + m[1] + " " + words[i+1]
			v[key] = append(v[key], n)
		}
	}
	return v, scanner.Err()
}
