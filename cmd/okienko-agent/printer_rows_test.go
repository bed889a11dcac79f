//go:build slow

package main_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okienko/okienko/drivers/emulator"
)

// office is a branch with a printer, as its people see it.
type office struct {
	*branch
	em *emulator.Printer
}

func openOffice(t *testing.T) office {
	t.Helper()
	port := filepath.Join(t.TempDir(), "printer")
	o := office{em: startPrinter(t, port), branch: newBranch(t, port)}
	o.configure("")
	o.start()
	o.await("the printer", func() bool { return o.device("printer") == "ready" })
	return o
}

// sees waits until everybody is told: the visitor by the kiosk's word for paper, the office by the
// device's state, and /status by its alarm, or none when the printer works.
func (o office) sees(what, kiosk, device string) {
	o.t.Helper()
	o.await(what+" on the kiosk", func() bool {
		return strings.Contains(o.get("/api/v1/kiosk"), `"paper":"`+kiosk+`"`)
	})
	o.await(what+" on the list of devices", func() bool { return strings.HasPrefix(o.device("printer"), device) })
	works := kiosk == "ok" || kiosk == "low"
	if page := o.get("/status?lang=pl"); strings.Contains(page, "Drukarka biletów nie działa") == works {
		o.t.Errorf("%s: the alarm on /status is wrong", what)
	}
	if page := o.get("/metrics"); strings.Contains(page, "\nokienko_printer_usable 1\n") != works {
		o.t.Errorf("%s: /metrics is wrong", what)
	}
}

// visit takes a ticket by touch screen and returns its id and number.
func (o office) visit(key string) (id, number string) {
	o.t.Helper()
	status, body, err := o.send(o.t.Context(), http.MethodPost, "/api/v1/tickets", "kiosk", key,
		map[string]string{"service": "A", "language": "pl"})
	var told struct{ ID, Number string }
	if err != nil || status != http.StatusCreated || json.Unmarshal(body, &told) != nil {
		o.t.Fatalf("press: %d %s %v", status, body, err)
	}
	return told.ID, told.Number
}

// print is what the clerk is told of a ticket's paper.
func (o office) print(id string) string {
	o.t.Helper()
	var ticket struct{ Print string }
	if err := json.Unmarshal([]byte(o.get("/api/v1/tickets/"+id)), &ticket); err != nil {
		o.t.Fatal(err)
	}
	return ticket.Print
}

// cuts counts the tickets on paper with a number.
func (o office) cuts(number string) (n int) {
	for _, ticket := range o.em.Tickets() {
		for _, line := range ticket.Lines {
			if strings.TrimSpace(line) == number && ticket.Cut != emulator.CutNone {
				n++
			}
		}
	}
	return n
}

// printedOnce waits for a ticket's paper.
func (o office) printedOnce(id, number string) {
	o.t.Helper()
	o.await(number+" on paper", func() bool { return o.print(id) == "printed" })
	if n := o.cuts(number); n != 1 {
		o.t.Errorf("%s was cut %d times", number, n)
	}
}

// TestRow14PaperOut: the kiosk warns before the press, the number is still to be had on the screen, and
// it comes on paper once there is some; near its end, only the office is told.
func TestRow14PaperOut(t *testing.T) {
	o := openOffice(t)
	o.em.SetPaper(emulator.PaperNearEnd)
	o.sees("paper near its end", "low", "degraded paper-near-end")
	id, number := o.visit("press-1")
	o.printedOnce(id, number)
	o.em.SetPaper(emulator.PaperOut)
	o.sees("paper out", "out", "failed paper-out")
	id, number = o.visit("press-2")
	if number != "A2" || o.cuts(number) != 0 {
		t.Errorf("without paper the visitor got %s, cut %d times", number, o.cuts(number))
	}
	o.em.SetPaper(emulator.PaperOK)
	o.sees("a new roll", "ok", "ready")
	o.printedOnce(id, number)
}

// TestRow15MidTicket: paper or cover fails in the middle of a ticket. It does not count as printed, and the
// same number comes on paper when the printer works again; the next visitor gets the next one. The
// mark on the second print is for TestUnknownWaitsForTheCover in agent/devices.
func TestRow15MidTicket(t *testing.T) {
	for name, fail := range map[string]func(*emulator.Printer, int){
		"paper-out": (*emulator.Printer).PaperOutAfter, "cover-open": (*emulator.Printer).OpenCoverAfter,
	} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t)
			id, number := o.visit("press-1")
			o.printedOnce(id, number)
			fail(o.em, 200)
			id, number = o.visit("press-2")
			kiosk := "broken"
			if name == "paper-out" {
				kiosk = "out"
			}
			o.sees(name, kiosk, "failed "+name)
			o.await("the doubt", func() bool { return o.print(id) != "printed" })
			if err := o.em.Fault("none"); err != nil {
				t.Fatal(err)
			}
			o.sees("the printer's return", "ok", "ready")
			o.await("the number on paper", func() bool { return o.print(id) == "printed" })
			if number != "A2" || o.cuts(number) == 0 || o.cuts(number) > 2 {
				t.Errorf("%s was cut %d times", number, o.cuts(number))
			}
			if _, next := o.visit("press-3"); next != "A3" {
				t.Errorf("the next visitor got %s", next)
			}
		})
	}
}

// TestRow16Unplugged: the printer is pulled out and comes back as another tty behind the same name. The
// number of a press meanwhile is printed when it is back.
func TestRow16Unplugged(t *testing.T) {
	o := openOffice(t)
	o.em.Unplug()
	o.sees("unplugged", "broken", "absent unplugged")
	id, number := o.visit("press-1")
	o.em.Replug()
	o.sees("replugged", "ok", "ready")
	o.printedOnce(id, number)
}

// TestRow17Stall: a printer that takes no more bytes stops neither presses nor calls.
func TestRow17Stall(t *testing.T) {
	o := openOffice(t)
	o.em.Stall(true)
	first, _ := o.visit("press-1")
	o.sees("stalled", "broken", "failed") // silent before it is known to take no bytes
	o.visit("press-2")
	o.clerk("1/open", "open-1")
	o.clerk("1/next", "next-1")
	if got := o.called(1); got != "A1" {
		t.Errorf("counter 1 called %s", got)
	}
	o.em.Stall(false)
	o.sees("the printer's return", "ok", "ready")
	o.await("the paper of A1, or the clerk's question", func() bool { return o.print(first) != "queued" })
	id, number := o.visit("press-3")
	o.printedOnce(id, number)
}

// TestRow18Noise: garbage on the line neither hides that the paper is out nor stops a ticket.
func TestRow18Noise(t *testing.T) {
	o := openOffice(t)
	noise := make([]byte, 0, 4096)
	for n := range cap(noise) {
		noise = append(noise, byte(n*31+n>>4))
	}
	o.em.SendRaw(noise)
	id, number := o.visit("press-1")
	o.await("the paper of "+number, func() bool { return o.cuts(number) > 0 && o.print(id) != "queued" })
	o.em.SetPaper(emulator.PaperOut)
	o.em.SendRaw(noise)
	o.sees("paper out behind noise", "out", "failed paper-out")
	o.em.SendRaw(noise)
	if o.device("printer") == "ready" {
		t.Error("noise was taken for paper")
	}
	o.em.SetPaper(emulator.PaperOK)
	o.sees("a new roll", "ok", "ready")
	id, number = o.visit("press-2")
	o.printedOnce(id, number)
}
