//go:build slow

package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/agent/engine"
	"github.com/okienko/okienko/agent/journal"
)

const chromium = "/usr/bin/chromium"

// durable opens a branch on a real journal.
func durable(t *testing.T) *branch {
	t.Helper()
	j, _, err := journal.Open(t.Context(), journal.Options{
		Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), BallastBytes: -1,
	})
	fatal(t, err)
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return openOn(t, j)
}

// tab is one browser tab.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp's own way of naming a tab
	b   *branch
}

// browse starts a browser with one tab.
func browse(t *testing.T, b *branch) tab {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatal("install chromium (apt-get install chromium): ", err)
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(stop)
	return tab{t, ctx, b}.open()
}

// open opens one more tab of the same browser.
func (p tab) open() tab {
	ctx, closeTab := chromedp.NewContext(p.ctx)
	p.t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	p.t.Cleanup(cancel)
	p.ctx = ctx
	p.do(chromedp.EmulateViewport(1280, 800))
	return p
}

func (p tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p tab) goTo(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.b.server.URL + path))
}

// pair signs the browser in as a device or a clerk.
func (p tab) pair(name string, role access.Role, query string) {
	p.t.Helper()
	p.goTo("/" + name + "?lang=pl&token=" + p.b.tokens[role] + query)
}

// js evaluates an expression, and waits when it is a promise.
func js[T any](p tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%v in %s", err, expression)
	}
	return v
}

// await waits in the page until the expression is true, at each change of the page.
func (p tab) await(expression string) {
	p.t.Helper()
	ok := js[bool](p, `new Promise((done) => {
		const look = () => { if (`+expression+`) { watch.disconnect(); clearTimeout(limit); done(true); } };
		const watch = new MutationObserver(look);
		const limit = setTimeout(() => { watch.disconnect(); done(false); }, 12000);
		watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
		look();
	})`)
	if !ok {
		p.t.Fatalf("never true: %s\npage: %s", expression, js[string](p, "document.body.innerText"))
	}
}

func (p tab) click(id string) {
	p.t.Helper()
	p.await(fmt.Sprintf("document.getElementById(%q)?.checkVisibility() && !document.getElementById(%q).disabled", id, id))
	p.do(chromedp.Click(chromedp.CSS("#" + id)))
}

func (p tab) text(id string) string {
	p.t.Helper()
	return js[string](p, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

// TestScreenShowsACallInUnderASecond measures inside the page, from the answer of the clerk's
// Next to the number on the whole screen.
func TestScreenShowsACallInUnderASecond(t *testing.T) {
	b := durable(t)
	p := browse(t, b)
	p.pair("screen", access.Screen, "")
	p.await("document.getElementById('nobody').checkVisibility()")
	p.await("document.getElementById('nobody-waits').checkVisibility()")
	best := math.Inf(1) // on a machine that is busy with other tests one call may take longer
	for n := range 3 {
		b.take("A")
		b.at(fmt.Sprintf("%d/open", n+1), "")
		ms := js[float64](p, fmt.Sprintf(`(async () => {
			const counter = %d;
			const shown = new Promise((done) => {
				const watch = new MutationObserver(() => {
					const row = document.querySelector('#called li[data-ticket="A' + counter + '"]');
					if (row && row.checkVisibility()) { watch.disconnect(); done(performance.now()); }
				});
				watch.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
			});
			const answer = await fetch('/api/v1/counters/' + counter + '/next', { method: 'POST', headers: { Authorization: 'Bearer %s' } });
			if (!answer.ok) throw new Error(await answer.text());
			const answered = performance.now();
			return (await shown) - answered;
		})()`, n+1, b.tokens[access.Clerk]))
		t.Logf("call %d on the screen %.0f ms after the answer", n+1, ms)
		best = min(best, ms)
	}
	if best >= 1000 {
		t.Errorf("a call needed %.0f ms to the screen", best)
	}
}

func TestScreenTakeover(t *testing.T) {
	b := durable(t)
	b.take("A")
	b.at("3/open", "")
	b.at("3/next", "")
	p := browse(t, b)
	p.pair("screen", access.Screen, "")
	p.await("document.querySelectorAll('#called li').length === 1")
	hidden := "document.getElementById('takeover').hidden"
	if !js[bool](p, hidden) {
		t.Error("a call from before the start is announced again")
	}
	b.at("3/recall", "")
	p.await("!" + hidden)
	if got := p.text("takeover-number") + " " + p.text("takeover-place"); got != "A1 ▶ stanowisko 3" {
		t.Errorf("takeover says %q", got)
	}
	// 6 s later the screen is as before, and who waits is listed but was never called.
	b.take("C")
	p.await(hidden)
	p.await("document.querySelector('#waiting li')?.innerText === 'C1'")
	if text := js[string](p, "document.querySelector('.called').innerText"); strings.Contains(text, "C1") {
		t.Errorf("a number that nobody called is among the called: %s", text)
	}
	b.at("3/no-show", "")
	p.await("document.querySelectorAll('#called li').length === 0")
}

func TestScreenSaysThatItsDataAreOld(t *testing.T) {
	b := durable(t)
	p := browse(t, b)
	p.pair("screen", access.Screen, "")
	p.await("document.getElementById('clock').textContent !== ''")
	p.offline(true)
	b.server.CloseClientConnections()
	p.await("document.getElementById('banner').checkVisibility()")
	if got := p.text("banner"); !strings.Contains(got, "dane z 10:4") {
		t.Errorf("banner %q", got)
	}
	b.take("A")
	b.at("1/open", "")
	b.at("1/next", "")
	p.offline(false)
	p.await("document.getElementById('banner').hidden && document.querySelectorAll('#called li').length === 1")
}

// offline cuts the tab's network by making the server drop its connections.
func (p tab) offline(cut bool) { p.b.cut.Store(cut) }

func TestUndoWithinFiveSeconds(t *testing.T) {
	b := durable(t)
	b.take("A")
	b.take("A")
	p := browse(t, b)
	p.pair("clerk", access.Clerk, "&counter=1")
	p.click("open")
	p.click("next")
	p.await("document.getElementById('number').textContent === 'A1'")
	p.cool()
	p.click("next")
	p.await("document.getElementById('number').textContent === 'A2'")
	began := time.Now()
	p.await("/^Cofnij \\(\\d s\\)$/.test(document.getElementById('undo').textContent) && !document.getElementById('undo').hidden")
	p.click("undo")
	p.await("document.getElementById('number').textContent === 'A1'")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("undo took %s", took)
	}
	var counter struct{ Counters []counterAnswer }
	b.ask(access.Clerk, "GET", "/api/v1/counters", "").into(t, 200, &counter)
	if got := counter.Counters[0].Ticket; got == nil || got.Number != "A1" {
		t.Errorf("the branch has %+v at counter 1", got)
	}
}

func TestUndoGoesAfterFiveSeconds(t *testing.T) {
	b := durable(t)
	b.take("A")
	p := browse(t, b)
	p.pair("clerk", access.Clerk, "&counter=1")
	p.click("open")
	p.click("next")
	p.await("!document.getElementById('undo').hidden")
	p.await("document.getElementById('undo').hidden")
}

// cool waits until Next takes a click again after the last one.
func (p tab) cool() {
	p.t.Helper()
	js[bool](p, "new Promise((done) => setTimeout(() => done(true), 800))")
}

func TestClerksDoubleClickCallsOne(t *testing.T) {
	b := durable(t)
	for range 3 {
		b.take("A")
	}
	p := browse(t, b)
	p.pair("clerk", access.Clerk, "&counter=1")
	p.click("open")
	p.await("!document.getElementById('next').disabled")
	p.do(chromedp.Click(chromedp.CSS("#next")), chromedp.DoubleClick(chromedp.CSS("#next"))) // its two clicks
	p.await("document.getElementById('number').textContent === 'A1'")
	p.cool()
	if got := p.text("number"); got != "A1" {
		t.Errorf("a double click called on to %s", got)
	}
}

// TestTwoTabs has one clerk in two tabs: both show the truth, and a press in the older one does
// not call a second visitor.
func TestTwoTabs(t *testing.T) {
	b := durable(t)
	for range 3 {
		b.take("A")
	}
	first := browse(t, b)
	first.pair("clerk", access.Clerk, "&counter=1")
	first.click("open")
	second := first.open()
	second.goTo("/clerk?lang=pl&counter=1")
	second.await("!document.getElementById('next').disabled")
	js[bool](first, "(document.getElementById('next').click(), true)")
	second.await("document.getElementById('number').textContent === 'A1'")
	first.await("document.getElementById('number').textContent === 'A1'")
}

func TestShortcutsNeedAModifier(t *testing.T) {
	b := durable(t)
	b.take("A")
	p := browse(t, b)
	p.pair("clerk", access.Clerk, "&counter=1")
	p.click("open")
	p.await("!document.getElementById('next').disabled")
	p.do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	p.await("document.getElementById('number').textContent === 'A1'")
	p.do(chromedp.KeyEvent("n"))
	p.await("!document.getElementById('no-show').disabled")
	if got := p.text("number"); got != "A1" {
		t.Fatalf("the letter n alone acted: %s", got)
	}
	p.do(chromedp.KeyEvent("n", chromedp.KeyModifiers(chromedp.ModifierAlt)))
	p.await("document.querySelector('#absent li')?.textContent.startsWith('A1')")
}

func TestTransferAndCallByChoice(t *testing.T) {
	b := durable(t)
	b.take("A")
	b.take("C")
	p := browse(t, b)
	p.pair("clerk", access.Clerk, "&counter=1")
	p.click("open")
	p.click("next")
	p.await("document.getElementById('number').textContent === 'A1'")
	p.click("transfer")
	p.await("document.getElementById('ask').open")
	js[bool](p, "(document.getElementById('ask-select').value = 'sL', true)")
	p.click("ask-yes")
	p.await("document.getElementById('number').classList.contains('none')")
	p.do(chromedp.Click(chromedp.CSS("#waiting tr:last-child button")))
	p.await("document.getElementById('ask').open")
	p.do(chromedp.SendKeys(chromedp.CSS("#ask-text"), "niemowle"))
	p.click("ask-yes")
	p.await("!document.getElementById('number').classList.contains('none')")
}

func TestKioskPress(t *testing.T) {
	b := durable(t)
	p := browse(t, b)
	p.pair("kiosk", access.Kiosk, "")
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
	// Two touches before the answer are one press.
	js[bool](p, "(() => { const b = document.querySelector('[data-service=A]'); b.click(); b.click(); return true; })()")
	p.await("document.getElementById('done').open")
	if got := p.text("done-number") + "|" + p.text("done-print"); got != "A1|Drukuję bilet…" {
		t.Errorf("after the press: %q", got)
	}
	p.await("document.querySelector('[data-service=A] .people').textContent === '1 osoba czeka'")
	p.click("done-close")
	p.await("!document.getElementById('done').open")

	b.set(func() { b.printer.State, b.printer.Reason = "failed", "paper-out" })
	p.await("document.getElementById('banner').textContent === 'Brak papieru – zapamiętaj numer z ekranu'")
	p.do(chromedp.Click(chromedp.CSS("[data-service=C]")))
	p.await("document.getElementById('done-number').textContent === 'C1'")
	if got := p.text("done-print"); !strings.Contains(got, "zapamiętaj numer") {
		t.Errorf("without paper: %q", got)
	}
	p.await("!document.getElementById('done').open") // by itself after 8 s

	b.set(func() { b.health = engine.Degraded })
	p.await("document.querySelectorAll('#services button:enabled').length === 0")
	if got := p.text("banner"); got != "Biletomat nieczynny – proszę podejść do informacji" {
		t.Errorf("degraded: %q", got)
	}
	b.set(func() { b.health = "" })
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
	p.offline(true)
	b.server.CloseClientConnections()
	p.await("document.querySelectorAll('#services button:enabled').length === 0")
	p.offline(false)
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
}

// TestPagesOutliveARestart opens pages without a token, whose right ends with the run of the agent.
func TestPagesOutliveARestart(t *testing.T) {
	b := durable(t)
	p := browse(t, b)
	p.goTo("/kiosk?lang=pl")
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
	_, err := chromedp.Run(p.ctx, chromedp.WaitEvent(page.LoadEventFired,
		func(page.EventLoadEventFired) bool { return true },
		chromedp.Func(func(context.Context, *chromedp.Target) error {
			b.restart()
			b.server.CloseClientConnections()
			return nil
		})))
	fatal(t, err) // the page fetches itself anew
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
	p.do(chromedp.Click(chromedp.CSS("[data-service=A]")))
	p.await("document.getElementById('done-number').textContent === 'A1'")
}

// TestKioskWhileTheDiskIsSlow holds the answer back: the visitor is told, and gets one number.
func TestKioskWhileTheDiskIsSlow(t *testing.T) {
	b := durable(t)
	p := browse(t, b)
	p.pair("kiosk", access.Kiosk, "")
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
	b.set(func() { b.fails = engine.ErrUnknown })
	p.do(chromedp.Click(chromedp.CSS("[data-service=A]")))
	p.await("document.getElementById('done-print').textContent === 'Chwileczkę, drukuję bilet…'")
	b.set(func() { b.fails = nil })
	p.await("document.getElementById('done-number').textContent === 'A1'")
	p.await("!document.getElementById('done').open")
}

// TestKioskScanner types a ticket's address as a scanner does.
func TestKioskScanner(t *testing.T) {
	b := durable(t)
	ticket := b.take("A")
	b.at("1/open", "")
	b.at("1/next", "")
	b.at("1/no-show", "")
	p := browse(t, b)
	p.pair("kiosk", access.Kiosk, "")
	p.await("document.querySelectorAll('#services button:enabled').length === 5")
	p.do(chromedp.KeyEvent(ticket.URL), chromedp.KeyEvent(kb.Enter))
	p.await("document.getElementById('done').open && document.getElementById('done-number').textContent === 'A1'")
}

// TestPressWithoutScriptInABrowser turns JavaScript off.
func TestPressWithoutScriptInABrowser(t *testing.T) {
	b := durable(t)
	p := browse(t, b)
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	p.pair("kiosk", access.Kiosk, "")
	p.do(chromedp.Click(chromedp.CSS("[data-service=H]")), chromedp.WaitVisible(chromedp.CSS(".taken .number")))
	number, err := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS(".taken .number")))
	fatal(t, err)
	if number != "H1" {
		t.Errorf("number %q", number)
	}
}

// shoot keeps a picture for people to look at, in the folder SHOTS or with the test's artifacts.
func (p tab) shoot(name string) {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	fatal(p.t, err)
	dir := os.Getenv("SHOTS")
	if dir == "" {
		dir = p.t.ArtifactDir()
	}
	fatal(p.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
}
