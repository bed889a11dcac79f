package smoke

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/paper"
)

// fake is a printer of fixed health and result.
type fake struct {
	health drivers.Health
	result drivers.Result
	prints int
}

func (f *fake) String() string           { return "fake" }
func (f *fake) Health() drivers.Health   { return f.health }
func (f *fake) Halt() error              { return nil }
func (f *fake) Changed() <-chan struct{} { return make(chan struct{}) }
func (f *fake) Print(context.Context, paper.Document) drivers.Result {
	f.prints++
	return f.result
}

func TestPrinter(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name   string
		fake   fake
		prints int
		want   string // in the report or the error
		fails  bool
	}{
		{"printed", fake{drivers.Health{State: drivers.Ready}, drivers.Result{
			Outcome: drivers.Printed, Grade: drivers.GradeProcess,
		}, 0}, 1, "grade A", false},
		{"unknown", fake{drivers.Health{State: drivers.Degraded}, drivers.Result{
			Outcome: drivers.Unknown, Reason: "stalled", Err: broken,
		}, 0}, 1, "no proof came back (stalled)", true},
		{"not-started", fake{drivers.Health{State: drivers.Ready}, drivers.Result{
			Outcome: drivers.NotStarted, Reason: "paper-out", Err: broken,
		}, 0}, 1, "not started (paper-out)", true},
		{"absent", fake{
			drivers.Health{State: drivers.Absent, Reason: "unplugged", Detail: "no such file"},
			drivers.Result{},
			0,
		}, 0, "absent, unplugged: no such file", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var said strings.Builder
				err := Printer(t.Context(), &tt.fake, paper.Document{}, func(line string) { said.WriteString(line) })
				if (err != nil) != tt.fails {
					t.Errorf("error %v", err)
				}
				if err != nil {
					said.WriteString(err.Error())
				}
				if !strings.Contains(said.String(), tt.want) || tt.fake.prints != tt.prints {
					t.Errorf("printed %d times and said %q", tt.fake.prints, said.String())
				}
			})
		})
	}
}
