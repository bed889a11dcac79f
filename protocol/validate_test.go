package protocol

import (
	"strings"
	"testing"
)

func goodSettings() Settings {
	service := func(id string) Service {
		return Service{
			ID: ServiceID(id), Letter: id, Names: map[Language]string{Polish: "Sprawa " + id},
			WalkIn: NumberRange{1, 599}, Booked: NumberRange{601, 999}, MeanSeconds: 300,
		}
	}
	return Settings{
		Branch: "torun-1", Name: "Urząd", Zone: "Europe/Warsaw",
		Services: []Service{service("A"), service("B")},
		Counters: []Counter{{ID: 1, Skills: map[ServiceID]int{"A": 0, "B": 5}}},
		Hours:    Week{1: {{480, 720}, {780, 960}}}, Closed: []Day{"2026-12-25"}, Rules: DefaultRules(),
	}
}

func TestValidateAcceptsGoodSettings(t *testing.T) {
	if err := goodSettings().Validate(); err != nil {
		t.Fatal(err)
	}
}

// TestValidateNamesThePath: each fault is reported with the path of its field.
func TestValidateNamesThePath(t *testing.T) {
	for path, spoil := range map[string]func(s *Settings){
		"branch":                 func(s *Settings) { s.Branch = "Torun" },
		"name":                   func(s *Settings) { s.Name = "" },
		"zone":                   func(s *Settings) { s.Zone = "" },
		"services":               func(s *Settings) { s.Services, s.Counters = nil, nil },
		"services[1].id":         func(s *Settings) { s.Services[1].ID = "A" },
		"services[0].letter":     func(s *Settings) { s.Services[0].Letter = "Ą" },
		"services[0].names.pl":   func(s *Settings) { s.Services[0].Names = nil },
		"services[0].walk_in":    func(s *Settings) { s.Services[0].WalkIn = NumberRange{} },
		"services[0].booked":     func(s *Settings) { s.Services[0].Booked = NumberRange{900, 1001} },
		"services[0].quota":      func(s *Settings) { s.Services[0].Quota = -1 },
		"services[1].walk_in":    func(s *Settings) { s.Services[1].Letter = "A" },
		"services[0].hours.7":    func(s *Settings) { s.Services[0].Hours = Week{7: nil} },
		"services[1].mean_secon": func(s *Settings) { s.Services[1].MeanSeconds = -1 },
		"counters[0].id":         func(s *Settings) { s.Counters[0].ID = 1000 },
		"counters[1].id":         func(s *Settings) { s.Counters = append(s.Counters, s.Counters[0]) },
		"counters[0].skills.Q":   func(s *Settings) { s.Counters[0].Skills["Q"] = 0 },
		"counters[0].skills.A":   func(s *Settings) { s.Counters[0].Skills["A"] = -1 },
		"hours.1[1]":             func(s *Settings) { s.Hours[1][1].Opens = 700 },
		"hours.1[0]":             func(s *Settings) { s.Hours[1][0].Closes = 1441 },
		"closed[0]":              func(s *Settings) { s.Closed[0] = "25.12.2026" },
		"rules.max_calls":        func(s *Settings) { s.Rules.MaxCalls = 0 },
		"rules.recall_seconds":   func(s *Settings) { s.Rules.RecallSeconds = 0 },
		"rules.issue_again":      func(s *Settings) { s.Rules.IssueAgainAbove = 0.5 },
		"rules.stop_issuing":     func(s *Settings) { s.Rules.StopIssuingBelow = -0.5 },
	} {
		t.Run(path, func(t *testing.T) {
			s := goodSettings()
			spoil(&s)
			err := s.Validate()
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// TestValidateReportsAll: every fault at once, not only the first.
func TestValidateReportsAll(t *testing.T) {
	s := goodSettings()
	s.Name, s.Rules.MaxCalls, s.Services[0].Letter = "", 0, "a"
	err := s.Validate()
	if err == nil || len(strings.Split(err.Error(), "\n")) < 3 {
		t.Fatalf("got %v", err)
	}
}

// TestValidateLetsDrainingServicesBe: what issues nothing more may share numbers.
func TestValidateLetsDrainingServicesBe(t *testing.T) {
	s := goodSettings()
	s.Services[1].Letter, s.Services[1].Draining = "A", true
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
}
