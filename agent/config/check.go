package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/okienko/okienko/configs"
	"github.com/okienko/okienko/protocol"
)

// Limits that keep a mistyped file from becoming a branch. A branch of the seed has 8 counters.
const (
	maxServices    = 26
	maxCounters    = 200
	maxNameLetters = 60
	maxBranchID    = 40 // protocol.BranchID
	maxServiceID   = 20 // protocol.ServiceID
	maxCounterID   = 999
	maxNumber      = 999               // above it the queue continues at 1001 when a range is used up
	emergency      = "X"               // design/3-queue-rules.md, "numbers"
	maxMean        = 4 * time.Hour     // longer is a mistyped unit
	minMean        = 10 * time.Second  // shorter likewise
	maxRuleMinutes = int(30 * 24 * 60) // a month
	maxRuleSeconds = int(4 * time.Hour / time.Second)
)

// problem is something wrong, or doubtful, with the value at a path.
type problem struct {
	path, message, hint string
	// doubt marks a warning: it works as it is.
	doubt bool
	// follows marks what may only be so because another part of the file could not be read.
	follows bool
}

// problems is what a check found.
type problems []problem

// wrong notes a fault.
func (p *problems) wrong(path, message, hint string) {
	*p = append(*p, problem{path: path, message: message, hint: hint})
}

// follows notes a fault between two parts of the file.
func (p *problems) follows(path, message, hint string) {
	*p = append(*p, problem{path: path, message: message, hint: hint, follows: true})
}

// doubt notes a warning.
func (p *problems) doubt(path, message, hint string) {
	*p = append(*p, problem{path: path, message: message, hint: hint, doubt: true})
}

// at finds the lines of the problems in the document that they came from.
func (p problems) at(doc *configs.Document) (wrong, doubts configs.Faults) {
	for _, one := range p {
		fault := doc.FaultAt(one.path, one.message, one.hint)
		if one.doubt {
			doubts = append(doubts, fault)
		} else {
			wrong = append(wrong, fault)
		}
	}
	return wrong, doubts
}

// besides drops what need not be told beside the faults that are known already: those on the same
// lines, and those between two parts of the file.
func (p problems) besides(known configs.Faults, doc *configs.Document) problems {
	return slices.DeleteFunc(p, func(one problem) bool {
		line := doc.FaultAt(one.path, "", "").Line
		return one.follows || slices.ContainsFunc(known, func(k configs.Fault) bool { return k.Line == line })
	})
}

// Validate reports everything that is wrong with the configuration, joined, in the office's words
// and with the key of each value. Read adds the lines of the file.
func (c Config) Validate() error {
	var all []error
	for _, one := range c.problems(Known{}) {
		if !one.doubt {
			all = append(all, fmt.Errorf("%s: %s (%s)", one.path, one.message, one.hint))
		}
	}
	return errors.Join(all...)
}

// problems runs every check.
func (c Config) problems(known Known) problems {
	var p problems
	c.checkProgram(&p)
	c.checkBranch(&p)
	c.checkServices(&p)
	c.checkCounters(&p)
	checkWeek(&p, "hours", c.Hours)
	if len(c.Hours.protocol()) == 0 {
		p.follows("hours", "the branch is never open", `write the days it opens, like mon: ["8:00-16:00"]`)
	}
	c.checkRules(&p)
	c.checkDevices(&p, known.Profiles)
	c.checkBoards(&p, known.Board)
	c.checkPanel(&p)
	c.checkVoice(&p, known.Voice)
	if !slices.ContainsFunc(p, func(one problem) bool { return !one.doubt }) {
		p.settings(c.Settings())
	}
	return p
}

// settings adds what the queue itself would refuse, should a check above have been forgotten.
func (p *problems) settings(s protocol.Settings) {
	joined, ok := s.Validate().(interface{ Unwrap() []error }) //nolint:errorlint // the list itself is wanted
	if !ok {
		return
	}
	for _, err := range joined.Unwrap() {
		path, message, _ := strings.Cut(err.Error(), ": ")
		p.wrong(path, message, "configs/agent.yaml explains this key")
	}
}

// checkProgram checks what the program itself needs.
func (c Config) checkProgram(p *problems) {
	if c.Version != Version {
		p.wrong("version", fmt.Sprintf("version %d is not known", c.Version), fmt.Sprintf("write version: %d", Version))
	}
	if !filepath.IsAbs(c.DataDir) {
		p.wrong("data_dir", fmt.Sprintf("%q is not a whole path", c.DataDir),
			"begin it with /, so that it does not depend on where the agent was started")
	}
	if c.Watchdog != "" && !filepath.IsAbs(c.Watchdog) {
		p.wrong("watchdog", fmt.Sprintf("%q is not a whole path", c.Watchdog), "write /dev/watchdog, or leave it out")
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		p.wrong("listen", fmt.Sprintf("%q is not an address to listen on", c.Listen),
			"write host:port, like 127.0.0.1:8070")
	} else if ip := net.ParseIP(host); host != "" && host != "localhost" && ip == nil {
		p.wrong("listen", fmt.Sprintf("%q is a name, not an address of this machine", host),
			"write its IP address, or 0.0.0.0 for all its networks")
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		switch {
		case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http", u.RawQuery != "", u.Fragment != "":
			p.wrong("public_url", fmt.Sprintf("%q is not the beginning of a web address", c.PublicURL),
				"write it like https://kolejka.example.pl")
		case u.Scheme == "http":
			p.doubt("public_url", "the e-ticket's address is not encrypted", "write https:// once the site has a certificate")
		case len(c.PublicURL) > 60:
			p.doubt("public_url", "a long address makes a QR code that is hard to scan", "use one of up to 60 letters")
		}
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		p.wrong("log_level", fmt.Sprintf("%q is not a level", c.LogLevel), "write debug, info, warn or error")
	}
}

// checkBranch checks who the branch says it is.
func (c Config) checkBranch(p *problems) {
	id := string(c.Branch.ID)
	if !protocol.ValidID(id, maxBranchID) || id != strings.ToLower(id) {
		p.wrong("branch.id", fmt.Sprintf("%q cannot be the id of a branch", id),
			fmt.Sprintf("use lower-case letters a-z, digits and hyphens, at most %d", maxBranchID))
	}
	checkName(p, "branch.name", "the name of the branch", c.Branch.Name)
	if _, err := time.LoadLocation(c.Branch.Zone); err != nil || c.Branch.Zone == "" || c.Branch.Zone == "Local" {
		p.wrong("branch.zone", fmt.Sprintf("%q is not a time zone", c.Branch.Zone), "write Europe/Warsaw")
	}
	if len(c.Branch.Languages) == 0 {
		p.wrong("branch.languages", "no language is given", "write [pl, en, uk]")
	}
	for i, language := range c.Branch.Languages {
		path := fmt.Sprintf("branch.languages[%d]", i)
		checkLanguage(p, path, language)
		if language == protocol.German {
			p.wrong(path, fmt.Sprintf("there are no pages in the language %q yet", language),
				"leave it out until there are; names of services may stay")
		}
		if slices.Contains(c.Branch.Languages[:i], language) {
			p.wrong(path, fmt.Sprintf("the language %q is there twice", language), "keep one")
		}
	}
}

// checkLanguage knows the languages of the texts that visitors read.
func checkLanguage(p *problems, path string, language protocol.Language) {
	switch language {
	case protocol.Polish, protocol.English, protocol.Ukrainian, protocol.German:
		return
	}
	hint := "write pl, en, uk or de"
	switch strings.ToLower(string(language)) {
	case "ua":
		hint = "Ukrainian is uk; ua is the country"
	case "gb", "us", "eng":
		hint = "English is en"
	}
	p.wrong(path, fmt.Sprintf("the language %q is not known", language), hint)
}

// checkName checks a text that people read.
func checkName(p *problems, path, what, name string) {
	switch letters := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		p.wrong(path, what+" is empty", "write what visitors shall read")
	case letters > maxNameLetters:
		p.wrong(path, fmt.Sprintf("%s has %d letters", what, letters), fmt.Sprintf("shorten it to %d", maxNameLetters))
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		p.wrong(path, what+" holds a line break or a control character", "write it on one line")
	}
}

// checkWeek checks that the spans of each day follow one another.
func checkWeek(p *problems, path string, week Week) {
	for _, day := range week.days() {
		for i, span := range day.spans {
			if i > 0 && span.Opens < day.spans[i-1].Closes {
				p.wrong(fmt.Sprintf("%s.%s[%d]", path, day.key, i), "these hours overlap the ones before",
					"write the parts of the day in their order, without overlap")
			}
		}
	}
}

// checkRules checks the numbers of the queue rules against what can be meant.
func (c Config) checkRules(p *problems) {
	r := c.Rules
	within := func(key string, value, low, high int, unit string) {
		if value < low || value > high {
			p.wrong("rules."+key, fmt.Sprintf("%d is not possible here", value),
				fmt.Sprintf("write %d to %d %s", low, high, unit))
		}
	}
	within("booked_head_start_minutes", r.BookedHeadStartMinutes, 0, 24*60, "minutes")
	within("priority_head_start_minutes", r.PriorityHeadStartMinutes, 0, maxRuleMinutes, "minutes")
	within("max_calls", r.MaxCalls, 1, 10, "calls")
	within("served_between_calls", r.ServedBetweenCalls, 1, 10, "visitors")
	within("recall_seconds", r.RecallSeconds, 10, maxRuleSeconds, "seconds")
	within("check_in_late_minutes", r.CheckInLateMinutes, 0, 240, "minutes")
	within("reentry_minutes", r.ReentryMinutes, 0, 240, "minutes")
	within("undo_seconds", r.UndoSeconds, 0, 60, "seconds")
	within("late_max_minutes", r.LateMaxMinutes, 0, 240, "minutes")
	share := func(key string, value float64) {
		if math.IsNaN(value) || value < 0 || value > 1 {
			p.wrong("rules."+key, fmt.Sprintf("%v is not a probability", value), "write 0 to 1: 80 % is 0.80")
		}
	}
	share("stop_issuing_below", r.StopIssuingBelow)
	share("issue_again_above", r.IssueAgainAbove)
	if r.IssueAgainAbove < r.StopIssuingBelow {
		p.wrong("rules.issue_again_above", "tickets would be stopped and issued again at once",
			"issue_again_above must not be below stop_issuing_below")
	}
}

// checkDevices checks the printer and the screens.
func (c Config) checkDevices(p *problems, profiles []string) {
	if len(profiles) > 0 && !slices.Contains(profiles, c.Printer.Profile) {
		p.wrong("printer.profile", fmt.Sprintf("the printer profile %q is not known", c.Printer.Profile),
			"write one of: "+strings.Join(profiles, ", "))
	} else if c.Printer.Profile == "" {
		p.wrong("printer.profile", "the printer profile is empty", "write generic-80 when the model is not listed")
	}
	if c.Printer.Logo != "" && !filepath.IsAbs(c.Printer.Logo) {
		p.wrong("printer.logo", fmt.Sprintf("%q is not a whole path", c.Printer.Logo), "begin it with /")
	}
	if a := c.Printer.Address; a.Kind == SerialPrinter && !strings.HasPrefix(a.Place, "/dev/serial/by-") {
		p.doubt("printer.address", fmt.Sprintf("%s may be another device after a restart", a.Place),
			"use the printer's name below /dev/serial/by-id/")
	}
	if c.Screen.WidthMM < 100 || c.Screen.WidthMM > 10_000 {
		p.wrong("screen.width_mm", fmt.Sprintf("a screen is not %d mm wide", c.Screen.WidthMM),
			"measure the picture: 43 inches are 950 mm")
	}
	if d := c.Screen.ViewingDistanceM; math.IsNaN(d) || d < 0.5 || d > 50 {
		p.wrong("screen.viewing_distance_m", fmt.Sprintf("nobody reads a screen from %v m", d),
			"write the metres from the screen to the last chair")
	}
	if c.Kiosk.WidthMM < 80 || c.Kiosk.WidthMM > 2_000 {
		p.wrong("kiosk.width_mm", fmt.Sprintf("a kiosk is not %d mm wide", c.Kiosk.WidthMM),
			"measure the picture: 15.6 inches are 340 mm")
	}
}
