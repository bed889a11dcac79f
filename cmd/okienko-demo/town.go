package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/okienko/okienko/agent/access"
)

// town is all branches of the demo. Its branches do not change after newTown.
type town struct {
	hub      *hub
	voice    *voice
	branches []*branch
	ready    chan struct{} // closed when every branch has answered
}

// newTown makes n branches in dir. It runs nothing yet.
func newTown(ctx context.Context, program, dir string, n int, v *voice, h *hub) (*town, error) {
	t := &town{hub: h, voice: v, branches: make([]*branch, n), ready: make(chan struct{})}
	addresses, err := freeAddresses(ctx, n)
	if err != nil {
		return nil, err
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, s := range sites(n) {
		all.Go(func() {
			own := filepath.Join(dir, s.ID)
			if errs[i] = os.Mkdir(own, 0o700); errs[i] == nil {
				t.branches[i], errs[i] = newBranch(ctx, program, own, addresses[i], s, v, h)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("make the town: %w", err)
	}
	return t, h.publish(kindTown, "", t.describe())
}

// Run runs all branches until ctx ends or one of them cannot go on.
func (t *town) Run(ctx context.Context) error {
	parts := make([]part, 0, len(t.branches)+2)
	for _, b := range t.branches {
		parts = append(parts, b.Run)
	}
	return runTogether(ctx, append(parts, t.voice.Run, t.watchReady)...)
}

// watchReady closes ready, then waits like any part.
func (t *town) watchReady(ctx context.Context) error {
	for _, b := range t.branches {
		if err := b.awaitReady(ctx); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // being stopped is no error
			}
			return err
		}
	}
	close(t.ready)
	<-ctx.Done()
	return nil
}

// branch returns the branch with the id.
func (t *town) branch(id string) (*branch, bool) {
	for _, b := range t.branches {
		if b.ID == id {
			return b, true
		}
	}
	return nil, false
}

// branchView is what the page needs to know of a branch.
type branchView struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	URL   string `json:"url"`
	Clerk string `json:"clerk"`
	PIN   string `json:"pin"`
}

// describe is the page's list of branches.
func (t *town) describe() []branchView {
	views := make([]branchView, len(t.branches))
	for i, b := range t.branches {
		views[i] = branchView{ID: b.ID, Name: b.Name, URL: b.url, Clerk: access.FirstClerk, PIN: b.pin}
	}
	return views
}

// names lists the branches for messages.
func (t *town) names() string {
	ids := make([]string, len(t.branches))
	for i, b := range t.branches {
		ids[i] = b.ID
	}
	return strings.Join(ids, ", ")
}
