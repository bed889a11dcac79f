package main

import (
	"errors"
	"strings"
	"testing"
)

const output = `goos: linux
pkg: example.org/agent/engine
BenchmarkTicket/engine-2   	     100	   2200000 ns/op
BenchmarkTicket/engine-2   	     100	   9900000 ns/op
BenchmarkTicket/engine-2   	     100	   2400000 ns/op
BenchmarkTicket/bbolt-2    	     100	   2000000 ns/op
BenchmarkTicket/write4k-2  	     100	   1000000 ns/op
BenchmarkClients/1-2       	     100	   2400000 ns/op	   2400000 ns/ticket
BenchmarkClients/64-2      	    1000	   9900000 ns/op	    200000 ns/ticket
BenchmarkReplay100k-2      	       1	  90000000 ns/op	        90.5 ms/100k
pkg: example.org/drivers/escpos
BenchmarkTicket/prepared-logo-2	  100000	     12345 ns/op	     512 B/op	       3 allocs/op
pkg: example.org/cmd/okienko-agent
BenchmarkRSS10k            	       1	9000000000 ns/op	        31.2 rss-MB
BenchmarkPressToFirstByte  	     100	   9000000 ns/op	         4.1 p50-ms	        12.9 p99-ms
BenchmarkCall  	      40	  10476649 ns/op	         2.730 rs485-p99-ms	        10.07 sound-p99-ms	         5.068 spi-p99-ms
PASS
`

func TestTable(t *testing.T) {
	var out strings.Builder
	if err := table(strings.NewReader(output), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1.20×", "2.40×", "12.00×", "12.35 µs", "3 allocations", "90.5 ms", "31.2 MB", "12.9 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "missed"); n != 1 {
		t.Errorf("one goal is missed, not %d:\n%s", n, out.String())
	}
}

func TestTableMissesABenchmark(t *testing.T) {
	without := strings.ReplaceAll(output, "RSS10k", "Other")
	if err := table(strings.NewReader(without), &strings.Builder{}); !errors.Is(err, errMissing) {
		t.Errorf("a missing benchmark is not told: %v", err)
	}
}
