//go:build slow

package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/journal"
	"github.com/okienko/okienko/agent/queue"
	"github.com/okienko/okienko/agent/web"
)

// look is one page at one size; ready is what shows that its script has drawn it.
type look struct {
	name, path    string
	width, height int64
	ready         string
}

func looks() []look {
	return []look{
		{"kiosk", "/kiosk?", 1280, 1024, "document.querySelector('#services button')"},
		{"kiosk-7inch", "/kiosk?width_mm=154&distance_mm=400&", 800, 480, "document.querySelector('#services button')"},
		{"kiosk-wide", "/kiosk?width_mm=476&", 1920, 1080, "document.querySelector('#services button')"},
		{"kiosk-portrait", "/kiosk?width_mm=300&", 1080, 1920, "document.querySelector('#services button')"},
		{"screen", "/screen?", 1920, 1080, "document.querySelector('#called li')"},
		{"clerk", "/clerk?counter=2&", 1280, 800, "document.querySelector('#waiting tr')"},
		{"clerk-narrow", "/clerk?counter=2&", 320, 800, "document.querySelector('#waiting tr')"},
		{"status", "/status?", 1280, 800, "document.querySelector('table')"},
	}
}

// busyOffice fills a branch with a morning's work.
func busyOffice(b *branch) {
	for n := range 14 {
		b.take([]string{"A", "C", "H", "L", "A"}[n%5])
	}
	for n := 1; n <= 4; n++ {
		b.at(fmt.Sprintf("%d/open", n), "")
	}
	for n := 1; n <= 3; n++ {
		b.at(fmt.Sprintf("%d/next", n), "")
	}
	b.at("2/no-show", "")
	b.at("2/next", "")
	b.print(b.take("C").ID, queue.PrintUnknown)
}

// alarmed gives the status page something to say.
func alarmed(o *web.Options) {
	o.Journal = func() journal.Health { return journal.Health{State: journal.StateBallastFreed, Repaired: 1} }
	o.Started = web.StartNotes{Unclean: true, Damage: "page 7 is torn", Restored: 12}
}

func (p tab) pairAll() {
	p.t.Helper()
	p.pair("kiosk", access.Kiosk, "")
	p.pair("screen", access.Screen, "")
	p.pair("clerk", access.Clerk, "")
}

func axeSource(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AXE_JS")
	if path == "" {
		path = filepath.Join("..", "..", "scripts", "npm", "node_modules", "axe-core", "axe.min.js")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("install axe-core (npm ci in scripts/npm) or set AXE_JS: %v", err)
	}
	return string(source)
}

// audit runs axe with the rules of WCAG 2.2 AA and best practice.
const audit = `(async () => {
	const found = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] });
	return found.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ')).join('\n');
})()`

func TestAccessibility(t *testing.T) {
	axe := axeSource(t)
	b := open(t, alarmed)
	busyOffice(b)
	p := browse(t, b)
	p.goTo("/clerk?lang=pl")
	check := func(name string) {
		t.Helper()
		js[bool](p, axe+"; true")
		if faults := js[string](p, audit); faults != "" {
			t.Errorf("%s:\n%s", name, faults)
		}
	}
	check("signin")
	p.pairAll()
	for _, scheme := range []string{"light", "dark"} {
		p.do(colours(scheme))
		for _, l := range looks() {
			p.do(chromedp.EmulateViewport(l.width, l.height))
			for _, lang := range []string{"pl", "en", "uk"} {
				p.goTo(l.path + "lang=" + lang)
				p.await(l.ready)
				name := l.name + "-" + lang + "-" + scheme
				check(name)
				if os.Getenv("SHOTS") != "" {
					p.shoot(name)
				}
			}
		}
	}
	b.at("1/recall", "")
}

// TestDialogsAreAccessible looks at what is shown only for a while.
func TestDialogsAreAccessible(t *testing.T) {
	axe := axeSource(t)
	b := open(t)
	busyOffice(b)
	p := browse(t, b)
	p.pairAll()
	states := []struct{ name, path, act, ready string }{
		{"pressed", "/kiosk?", "document.querySelector('[data-service=A]').click()", "document.getElementById('done').open"},
		{"transfer", "/clerk?counter=2&", "document.getElementById('transfer').click()", "document.getElementById('ask').open"},
		{"takeover", "/screen?", "fetch('/api/v1/counters/1/recall', {method: 'POST', headers: {Authorization: 'Bearer " + b.tokens[access.Clerk] + "'}})", "!document.getElementById('takeover').hidden"},
	}
	for _, s := range states {
		p.do(chromedp.EmulateViewport(1280, 800))
		p.goTo(s.path + "lang=pl")
		js[bool](p, "new Promise((done) => setTimeout(() => done(true), 500))") // the stream opens
		js[bool](p, "("+s.act+", true)")
		p.await(s.ready)
		js[bool](p, axe+"; true")
		if faults := js[string](p, audit); faults != "" {
			t.Errorf("%s:\n%s", s.name, faults)
		}
		p.shoot(s.name)
	}
}

func colours(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// TestKioskSizes computes millimetres from layout boxes: every target is at least 20 mm wide and
// high, and every capital at least 0.7° at the reader's distance (0.71 of the font size).
func TestKioskSizes(t *testing.T) {
	b := open(t)
	busyOffice(b)
	p := browse(t, b)
	p.pairAll()
	for _, l := range looks()[:4] {
		p.do(chromedp.EmulateViewport(l.width, l.height))
		for _, lang := range []string{"pl", "en", "uk"} {
			p.goTo(l.path + "lang=" + lang)
			p.await(l.ready)
			faults := js[string](p, `(() => {
				const style = getComputedStyle(document.documentElement);
				const width = Number(style.getPropertyValue('--mm').match(/100vw \/ (\d+)/)[1]);
				const mm = innerWidth / width, cap = Number(style.getPropertyValue('--cap'));
				const faults = [];
				for (const target of document.querySelectorAll('button, a')) {
					if (!target.checkVisibility()) continue;
					const box = target.getBoundingClientRect();
					if (box.width < 19.99 * mm || box.height < 19.99 * mm) faults.push(target.innerText + ' is ' + (box.width / mm).toFixed(1) + ' × ' + (box.height / mm).toFixed(1) + ' mm');
					if (target.scrollWidth > target.clientWidth + 1) faults.push(target.innerText + ' is cut off');
				}
				for (const node of document.querySelectorAll('button span, a, .banner')) {
					if (!node.checkVisibility() || !node.innerText) continue;
					const high = parseFloat(getComputedStyle(node).fontSize) * 0.71 / mm;
					if (high < cap - 0.01) faults.push(node.innerText + ' has capitals of ' + high.toFixed(1) + ' mm, not ' + cap);
				}
				return faults.join('\n');
			})()`)
			if faults != "" {
				t.Errorf("%s %s:\n%s", l.name, lang, faults)
			}
		}
	}
}

// TestScreenSizes checks a row's and a new call's capitals against the distance of the last seat.
func TestScreenSizes(t *testing.T) {
	b := open(t)
	busyOffice(b)
	p := browse(t, b)
	p.pairAll()
	for _, metres := range []int{5, 8, 10} {
		p.do(chromedp.EmulateViewport(1920, 1080))
		p.goTo(fmt.Sprintf("/screen?width_mm=1210&distance_mm=%d&lang=pl", metres*1000))
		p.await("document.querySelector('#called li')")
		js[bool](p, "(document.getElementById('takeover').hidden = false, true)")
		sizes := js[[]float64](p, `['#called .number', '#waiting .number', '#takeover-number'].map((q) => parseFloat(getComputedStyle(document.querySelector(q)).fontSize) * 0.71 * 1210 / innerWidth)`)
		distance := float64(metres) * 1000
		for i, least := range []float64{distance / 200, distance / 200, 0.0122 * distance} {
			if sizes[i] < least-0.1 {
				t.Errorf("at %d m: capitals of %.1f mm, not %.1f", metres, sizes[i], least)
			}
		}
		if wide := js[bool](p, "document.documentElement.scrollWidth > innerWidth"); wide {
			t.Errorf("at %d m the screen is wider than its picture", metres)
		}
	}
}
