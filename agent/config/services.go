package config

import (
	"fmt"
	"slices"

	"github.com/okienko/okienko/protocol"
)

// checkServices checks each service and the services against each other.
func (c Config) checkServices(p *problems) {
	if len(c.Services) == 0 || len(c.Services) > maxServices {
		p.follows("services", fmt.Sprintf("there are %d services", len(c.Services)),
			fmt.Sprintf("a branch has 1 to %d: one for each letter", maxServices))
	}
	byID, byLetter := map[protocol.ServiceID]int{}, map[string]int{}
	for i, s := range c.Services {
		path := fmt.Sprintf("services[%d]", i)
		c.checkService(p, path, s)
		if first, twice := byID[s.ID]; twice {
			p.wrong(path+".id", fmt.Sprintf("the id %q is also that of service %d", s.ID, first+1), "give each its own")
		}
		if first, twice := byLetter[s.Letter]; twice {
			p.wrong(path+".letter", fmt.Sprintf("the letter %q is also that of service %d", s.Letter, first+1),
				"give each service its own letter, or two would print the same numbers")
		}
		byID[s.ID], byLetter[s.Letter] = i, i
	}
	confusable(p, byLetter)
}

// checkService checks one service by itself.
func (c Config) checkService(p *problems, path string, s Service) {
	if !protocol.ValidID(string(s.ID), maxServiceID) {
		p.wrong(path+".id", fmt.Sprintf("%q cannot be the id of a service", s.ID),
			fmt.Sprintf("use letters a-z and A-Z, digits and hyphens, at most %d; often it is the letter", maxServiceID))
	}
	switch {
	case len(s.Letter) != 1 || s.Letter[0] < 'A' || s.Letter[0] > 'Z':
		p.wrong(path+".letter", fmt.Sprintf("%q is not a letter for tickets", s.Letter), "write one capital letter, A to Z")
	case s.Letter == emergency:
		p.wrong(path+".letter", "the letter X is kept for emergency numbers", "choose another letter")
	}
	c.checkNames(p, path, s)
	if s.WalkIn.overlaps(s.Booked) {
		p.wrong(path+".booked", "the numbers of walk-in and booked visitors overlap",
			"keep them apart, like 1-599 and 601-999: a number must not exist twice")
	}
	if s.WalkIn.Last > maxNumber || s.Booked.Last > maxNumber {
		p.wrong(path, fmt.Sprintf("a number range goes above %d", maxNumber),
			"numbers from 1001 are kept for the day when a range is used up")
	}
	if s.Quota < 0 {
		p.wrong(path+".quota", "the quota is below 0", "write 0 for no limit")
	}
	if s.Mean < minMean || s.Mean > maxMean {
		p.wrong(path+".mean", fmt.Sprintf("%v is no time to serve somebody", s.Mean), "write it like 8m or 90s")
	}
	if s.Hours != nil {
		checkWeek(p, path+".hours", *s.Hours)
		c.checkInside(p, path+".hours", *s.Hours)
	}
	if s.BookingOnly && s.Quota > 0 {
		p.doubt(path+".quota", "the quota has no effect: this service is by booking only", "remove it")
	}
}

// checkNames checks a service's names in all languages.
func (c Config) checkNames(p *problems, path string, s Service) {
	if s.Names[protocol.Polish] == "" {
		p.wrong(path+".names", "the Polish name is missing", "write names: {pl: ...}")
	}
	for language, name := range s.Names {
		checkLanguage(p, path+".names."+string(language), language)
		if name != "" || language != protocol.Polish {
			checkName(p, path+".names."+string(language), "the name", name)
		}
	}
	for _, language := range c.Branch.Languages {
		if _, ok := s.Names[language]; !ok && language != protocol.Polish {
			p.doubt(path+".names", fmt.Sprintf("there is no name in the language %q", language),
				"visitors will read the Polish one")
		}
	}
}

// checkInside tells of hours at which the branch is closed.
func (c Config) checkInside(p *problems, path string, week Week) {
	branch := c.Hours.days()
	for i, day := range week.days() {
		for n, span := range day.spans {
			inside := slices.ContainsFunc(branch[i].spans, func(open Span) bool {
				return open.Opens <= span.Opens && span.Closes <= open.Closes
			})
			if !inside {
				p.follows(fmt.Sprintf("%s.%s[%d]", path, day.key, n), "the branch is closed at these hours",
					"keep inside the branch's hours, or widen those")
			}
		}
	}
}

// confusable warns of letters that are misheard when called (B and E rhyme in Polish as be and e,
// P and T, D and P likewise) or misread on a board (I, O and Q look like 1 and 0).
func confusable(p *problems, byLetter map[string]int) {
	for _, pair := range [][2]string{{"B", "E"}, {"P", "T"}, {"D", "P"}} {
		_, one := byLetter[pair[0]]
		i, other := byLetter[pair[1]]
		if one && other {
			p.doubt(fmt.Sprintf("services[%d].letter", i),
				fmt.Sprintf("the letters %s and %s are easily misheard", pair[0], pair[1]), "use only one of them")
		}
	}
	for _, letter := range []string{"I", "O", "Q"} {
		if i, used := byLetter[letter]; used {
			p.doubt(fmt.Sprintf("services[%d].letter", i), fmt.Sprintf("the letter %s looks like a digit", letter),
				"choose a letter that cannot be misread")
		}
	}
}

// checkCounters checks the counters and that somebody serves each service.
func (c Config) checkCounters(p *problems) {
	if len(c.Counters) == 0 || len(c.Counters) > maxCounters {
		p.follows("counters", fmt.Sprintf("there are %d counters", len(c.Counters)),
			fmt.Sprintf("a branch has 1 to %d", maxCounters))
	}
	known, served := map[protocol.ServiceID]bool{}, map[protocol.ServiceID]bool{}
	for _, s := range c.Services {
		known[s.ID] = true
	}
	seen := map[protocol.CounterID]int{}
	for i, counter := range c.Counters {
		path := fmt.Sprintf("counters[%d]", i)
		if counter.ID < 1 || counter.ID > maxCounterID {
			p.wrong(path+".id", fmt.Sprintf("%d cannot be a counter's number", counter.ID),
				fmt.Sprintf("write the number on its board, 1 to %d", maxCounterID))
		}
		if first, twice := seen[counter.ID]; twice {
			p.wrong(path+".id", fmt.Sprintf("counter %d is there twice, first as entry %d", counter.ID, first+1),
				"give each its own number")
		}
		seen[counter.ID] = i
		if counter.Name != "" {
			checkName(p, path+".name", "the counter's name", counter.Name)
		}
		checkSkills(p, path, counter, known, served)
	}
	for i, s := range c.Services {
		if !served[s.ID] && len(c.Counters) > 0 {
			p.doubt(fmt.Sprintf("services[%d].id", i), fmt.Sprintf("no counter serves %q", s.ID),
				"add it to the skills of a counter, or people will wait for nobody")
		}
	}
}

// checkSkills checks what a counter serves against the services that there are.
func checkSkills(p *problems, path string, counter Counter, known, served map[protocol.ServiceID]bool) {
	for n, skill := range counter.Skills {
		at := fmt.Sprintf("%s.skills[%d]", path, n)
		if !known[skill] {
			p.follows(at, fmt.Sprintf("there is no service %q", skill), "write the id of a service from the list of services")
		}
		if slices.Contains(counter.Skills[:n], skill) {
			p.wrong(at, fmt.Sprintf("the service %q is there twice", skill), "keep one")
		}
		served[skill] = true
	}
	if len(counter.Skills) == 0 {
		for id := range known {
			served[id] = true
		}
	}
	for skill, minutes := range counter.Penalties {
		at := path + ".penalties." + string(skill)
		if !known[skill] || len(counter.Skills) > 0 && !slices.Contains(counter.Skills, skill) {
			p.follows(at, fmt.Sprintf("counter %d does not serve %q", counter.ID, skill), "name one of its skills")
		}
		if minutes < 0 || minutes > 240 {
			p.wrong(at, fmt.Sprintf("a penalty of %d minutes is not possible", minutes), "write 0 to 240")
		}
	}
}
