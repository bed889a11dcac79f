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

// The faults that do not exist yet come with the centre and with the other devices.
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

func deviceFault(w http.ResponseWriter, b *branch, f faultRequest) {
	switch {
	case f.Device == "printer":
		if !slices.Contains(printerFaults(), f.Fault) {
			refuseFault(w, f.Fault, printerFaults())
			return
		}
		if err := b.paper.set(f.Fault); err != nil {
			refuse(w, http.StatusInternalServerError, "fault", err.Error())
			return
		}
		reply(w, http.StatusOK, map[string]string{"branch": b.ID, "device": f.Device, "fault": f.Fault})
	case f.Device == "speaker", f.Device == "panel", strings.HasPrefix(f.Device, "board-"):
		refuse(w, http.StatusNotImplemented, "not_yet", "the demo's branches have a printer only; "+f.Device+" comes later")
	default:
		refuse(w, http.StatusBadRequest, "no_device", fmt.Sprintf("there is no device %q; there is: printer", f.Device))
	}
}

func refuseFault(w http.ResponseWriter, got string, known []string) {
	refuse(w, http.StatusBadRequest, "no_fault",
		fmt.Sprintf("there is no fault %q; there are: %s", got, strings.Join(known, ", ")))
}
