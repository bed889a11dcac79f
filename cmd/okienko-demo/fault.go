package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// faultRequest is the body of POST /demo/fault (design/5-interfaces.md, "The demo").
type faultRequest struct {
	Branch string `json:"branch"`
	Device string `json:"device"`
	Fault  string `json:"fault"`
}

// The faults that do not exist yet come with the centre.
func laterTownFaults() []string { return []string{"broker-restart", "broker-wipe", "centre-kill"} }

func branchFaults() []string { return []string{"kill", "network-cut", "none"} }

// fault does what a button of the page does.
func (s *server) fault(w http.ResponseWriter, r *http.Request) {
	var f faultRequest
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
	in.DisallowUnknownFields()
	if err := in.Decode(&f); err != nil {
		refuse(w, http.StatusBadRequest, "body", `write {"branch":"ID","device":"printer","fault":"paper-out"}: `+err.Error())
		return
	}
	if f.Branch == "" && f.Device == "" && slices.Contains(laterTownFaults(), f.Fault) {
		refuse(w, http.StatusNotImplemented, "not_yet", "the demo has no centre and no broker yet")
		return
	}
	b, ok := s.wanted(w, f.Branch)
	if !ok {
		return
	}
	if f.Device != "" {
		deviceFault(w, b, f)
		return
	}
	switch f.Fault {
	case "kill":
		s.kill(w, b)
	case "none":
		reply(w, http.StatusOK, map[string]string{"branch": b.ID, "fault": "none"})
	case "network-cut":
		refuse(w, http.StatusNotImplemented, "not_yet", "the demo has no network yet: it comes with the centre")
	default:
		refuseFault(w, f.Fault, branchFaults())
	}
}

// kill pulls the plug of the branch. The child's supervisor starts it again.
func (s *server) kill(w http.ResponseWriter, b *branch) {
	err := b.agent.Kill()
	switch {
	case errors.Is(err, errNotRunning):
		refuse(w, http.StatusConflict, "not_running", "the branch has no power already; it will be back in a second")
	case err != nil:
		refuse(w, http.StatusInternalServerError, "kill", err.Error())
	default:
		reply(w, http.StatusOK, map[string]string{"branch": b.ID, "fault": "kill"})
	}
}

// deviceFault gives a device a fault or puts it right.
func deviceFault(w http.ResponseWriter, b *branch, f faultRequest) {
	var known []string
	var set func(fault string) error
	switch {
	case f.Device == "printer":
		known, set = printerFaults(), b.paper.set
	case slices.Contains(b.boards.names(), f.Device):
		known, set = boardFaults(), func(fault string) error { return b.boards.set(f.Device, fault) }
	case f.Device == "speaker" && !b.sound.voice.on():
		refuse(w, http.StatusConflict, "no_voice", "the town has no voice: "+b.sound.voice.first.Reason)
		return
	case f.Device == "speaker":
		known, set = speakerFaults(), b.sound.set
	case f.Device == "panel":
		known, set = panelFaults(), b.panel.set
	default:
		refuse(w, http.StatusBadRequest, "no_device",
			fmt.Sprintf("there is no device %q; there are: printer, panel, speaker, %s",
				f.Device, strings.Join(b.boards.names(), ", ")))
		return
	}
	if !slices.Contains(known, f.Fault) {
		refuseFault(w, f.Fault, known)
		return
	}
	if err := set(f.Fault); err != nil {
		refuse(w, http.StatusInternalServerError, "fault", err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"branch": b.ID, "device": f.Device, "fault": f.Fault})
}

func refuseFault(w http.ResponseWriter, got string, known []string) {
	refuse(w, http.StatusBadRequest, "no_fault",
		fmt.Sprintf("there is no fault %q; there are: %s", got, strings.Join(known, ", ")))
}
