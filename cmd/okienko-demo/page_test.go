//go:build slow

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// page is the demo's page in a browser.
type page struct {
	*testing.T
	context.Context //nolint:containedctx // chromedp's handle of a browser tab
}

// openPage opens url in a headless Chromium and fails the test at its end if the page complained.
func openPage(t *testing.T, url, languages string) page {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.Flag("no-sandbox", true), chromedp.Flag("headless", "new"), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("accept-lang", languages), chromedp.WindowSize(1440, 1100),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required")) // a test's click is no gesture
	allocator, endAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(endAllocator)
	ctx, endBrowser := chromedp.NewContext(allocator)
	t.Cleanup(endBrowser)
	ctx, endWait := context.WithTimeout(ctx, 3*patience)
	t.Cleanup(endWait)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start chromium (apt install chromium): %v", err)
	}
	p := page{t, ctx}
	p.watchConsole()
	p.do(chromedp.Navigate(url))
	p.until(`document.querySelectorAll('.k-service').length === 4 && !document.body.classList.contains('loading')`)
	return p
}

// watchConsole fails the test for scripts that throw and for what the content policy blocked.
func (p page) watchConsole() {
	p.Helper()
	messages := chromedp.Console(p.Context)
	var mu sync.Mutex
	var said []string
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			mu.Lock()
			said = append(said, fmt.Sprintf("%s: %s", m.Type, m.Text))
			mu.Unlock()
		}
	}()
	p.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, line := range said {
			// While the plug is pulled the browser itself notes the 502 of a press that is repeated.
			if !strings.Contains(line, "502") {
				p.Errorf("the page's console: %s", line)
			}
		}
	})
}

func (p page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.Context, steps...); err != nil {
		p.Fatal(err)
	}
}

// until waits for the page to make the expression true.
func (p page) until(expression string) {
	p.Helper()
	if _, err := chromedp.Run(p.Context, chromedp.Poll[bool](expression, chromedp.WithPollingMutation(), chromedp.WithPollingTimeout(patience))); err != nil {
		now, _ := chromedp.Run(p.Context, chromedp.Evaluate[string](`document.body.innerText`))
		p.Fatalf("waiting for %s: %v\nthe page says:\n%s", expression, err, now)
	}
}

// click presses the nth element that fits, from 0.
func (p page) click(css string, n int) {
	p.Helper()
	expression := fmt.Sprintf(`(() => { const el = document.querySelectorAll(%q)[%d]; if (!el || el.disabled) return false; el.click(); return true; })()`, css, n)
	pressed, err := chromedp.Run(p.Context, chromedp.Evaluate[bool](expression))
	if err != nil || !pressed {
		p.Fatalf("press %s number %d: %v", css, n, err)
	}
}

// choose picks the nth option of a list, from 0.
func (p page) choose(css string, n int) {
	p.Helper()
	expression := fmt.Sprintf(`(() => { const el = document.querySelector(%q); el.selectedIndex = %d; return el.dispatchEvent(new Event('change')); })()`, css, n)
	if _, err := chromedp.Run(p.Context, chromedp.Evaluate[bool](expression)); err != nil {
		p.Fatalf("choose %s number %d: %v", css, n, err)
	}
}

// stopwatch presses an element and returns the milliseconds until the expression holds.
func (p page) stopwatch(css, expression string) float64 {
	p.Helper()
	ms, err := chromedp.Run(p.Context, chromedp.Evaluate[float64](fmt.Sprintf(`new Promise((done) => {
		const begun = performance.now();
		const look = () => { if (%s) { observer.disconnect(); done(performance.now() - begun); } };
		const observer = new MutationObserver(look);
		observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
		document.querySelector(%q).click();
	})`, expression, css), chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("press %s: %v", css, err)
	}
	return ms
}

const (
	firstOpen    = `.counter[data-status=closed] > .primary`
	firstNext    = `.counter[data-status=open] .keys > .primary`
	counterShows = `document.querySelector('.c-number').textContent === '%s'`
)

func TestPageFromPressToScreen(t *testing.T) {
	b := startPrograms(t)
	p := openPage(t, b.url, "en")

	p.click(".k-service", 0)
	p.until(`document.querySelector('.k-number').textContent === 'A1' && !document.querySelector('.k-result').hidden`)
	p.until(`(() => { const i = document.querySelector('img.ticket'); return !i.hidden && i.naturalWidth > 300 && i.alt.includes('A1'); })()`)
	p.click(".tabs button", 1)
	p.until(`document.querySelector('.words').innerText.includes('kolejka.example/t/')`)
	p.click(".tabs button", 2)
	p.until(`document.querySelector('.hex').textContent.includes('1b 61 01')`)

	p.click(firstOpen, 0)
	p.until(`document.querySelector('.counter').dataset.status === 'open'`)
	p.click(firstNext, 0)
	p.until(`!document.querySelector('.tv-big').hidden && document.querySelector('.tv-big b').textContent === 'A1'`)
	p.until(fmt.Sprintf(counterShows, "A1"))

	p.click(".undo", 0) // within its 5 s
	p.until(fmt.Sprintf(counterShows, "—"))
	p.until(`document.querySelector('.tv-waiting').textContent === 'A1'`)
	p.click(".k-service", 0) // a second visitor
	p.until(`document.querySelector('.tv-waiting').textContent === 'A1A2'`)
	p.click(firstNext, 0)
	p.until(fmt.Sprintf(counterShows, "A1"))
	p.until(`document.querySelector('.tv-big').hidden`)
	p.click(".row .plain", 2) // call again: announced once more, the calls do not change
	p.until(`!document.querySelector('.tv-big').hidden && document.querySelector('.c-state').textContent === 'called 1 of 3'`)
	p.click(".row .plain", 1) // not here
	p.until(`document.querySelector('.chip.absent')?.textContent.includes('A1')`)
	p.click(firstNext, 0)
	p.until(fmt.Sprintf(counterShows, "A2"))
	p.click(".row .plain", 3) // finish: A1 is called again by the rule
	p.until(fmt.Sprintf(counterShows, "A1"))
	p.until(`document.querySelectorAll('.tour .done').length === 4`)
	p.until(`document.querySelector('#log').innerText.includes('A1 called again')`)
}

// The hall sees a new call in under a second. On a machine that is busy with other tests one call may
// take longer; not every one of them.
func TestPageShowsACallWithinASecond(t *testing.T) {
	b := startPrograms(t)
	p := openPage(t, b.url, "en")
	p.click(firstOpen, 0)
	p.until(`document.querySelector('.counter').dataset.status === 'open'`)
	for n := 1; ; n++ {
		number := fmt.Sprint("A", n)
		p.click(".k-service", 0)
		p.until(fmt.Sprintf(`document.querySelector('.tv-waiting').textContent === %q`, number))
		ms := p.stopwatch(firstNext, fmt.Sprintf(`document.querySelector('.tv-big b').textContent === %q`, number))
		t.Logf("press of Next to hall screen: %.0f ms", ms)
		if ms < 1000 {
			return
		}
		if n == 10 {
			t.Fatal("no call was on the hall screen within a second")
		}
		p.until(fmt.Sprintf(counterShows, number))
	}
}

// A terminal mixed of two moments offers what the branch must refuse: Next for a ticket that has just left.
func TestTerminalIsDrawnOfOneMoment(t *testing.T) {
	b := startPrograms(t)
	p := openPage(t, b.url, "en")
	p.click(".k-service", 0)
	p.until(`document.querySelector('.tv-waiting').textContent === 'A1'`)
	p.click(firstOpen, 0)
	p.until(`document.querySelector('.counter').dataset.status === 'open'`)
	p.click(firstNext, 0)
	p.until(fmt.Sprintf(counterShows, "A1"))

	shown, err := chromedp.Run(p.Context, chromedp.Evaluate[string](`new Promise((done) => {
		const frame = window.requestAnimationFrame.bind(window);
		window.requestAnimationFrame = (draw) => setTimeout(() => frame(draw), 1500); // a slow machine
		const fetched = window.fetch.bind(window);
		window.fetch = async (...of) => {
			const answer = await fetched(...of);
			await new Promise((ok) => setTimeout(ok, 500)); // the stream was quicker
			return answer;
		};
		const look = () => {
			const chip = document.querySelector('.chip.absent');
			if (chip) { observer.disconnect(); queueMicrotask(() => done(document.querySelector('.c-number').textContent)); }
		};
		const observer = new MutationObserver(look);
		observer.observe(document.body, { subtree: true, childList: true, attributes: true });
		document.querySelectorAll('.row .plain')[1].click();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if shown != "—" {
		t.Errorf("the terminal offers absent A1 and still shows %s", shown)
	}
}

func TestPageSaysPaperOutBeforeThePressAndSurvivesThePlug(t *testing.T) {
	b := startPrograms(t)
	p := openPage(t, b.url, "pl-PL,pl")
	p.until(`document.documentElement.lang === 'pl' && document.querySelector('.k-title').textContent.includes('sprawie')`)

	p.click("[data-fault=paper-out]", 0)
	p.until(`document.querySelector('.k-banner').textContent.includes('Brak papieru') && !document.querySelector('.k-banner').hidden`)
	p.click("[data-fault=none]", 0)
	p.until(`document.querySelector('.k-banner').hidden`)

	p.click("[data-fault=kill]", 0)
	p.until(`document.querySelector('.tv-off').textContent.includes('stracił zasilanie') && !document.querySelector('.tv-off').hidden`)
	p.click(".k-service", 0) // pressed without power: the press is repeated until it is answered, once
	p.until(`document.querySelector('.tv-off').hidden`)
	p.until(`document.querySelector('.k-number').textContent === 'A1'`)
	p.until(`document.querySelector('.tv-waiting').textContent === 'A1'`)

	p.click("#languages button", 1)
	p.until(`document.documentElement.lang === 'en' && document.querySelector('.k-title').textContent.includes('come for')`)
}

// The push buttons are real ones for the branch: a press gives a ticket on paper, a held one prints the test
// page, and pulled out they are told to be missing.
func TestPagePanel(t *testing.T) {
	b := startPrograms(t)
	p := openPage(t, b.url, "en")
	p.until(`document.querySelectorAll('.p-button.lit').length === 4`)
	p.click(".p-button", 1)
	p.until(`document.querySelector('.tv-waiting').textContent === 'C1'`)
	p.until(`(() => { const i = document.querySelector('img.ticket'); return !i.hidden && i.alt.includes('C1'); })()`)
	p.click("#panel .cable", 0)
	p.until(`document.querySelector('#panel .seen').textContent.includes('buttons not there')`)
	p.click("#panel .cable", 0)
	p.until(`document.querySelector('#panel .seen').textContent.includes('ready') && document.querySelectorAll('.p-button.lit').length === 4`)
}

func TestPageShowsSeveralBranches(t *testing.T) {
	b := startPrograms(t, "--branches", "2")
	p := openPage(t, b.url, "en")
	p.click(".k-service", 0)
	p.until(`document.querySelector('.tv-waiting').textContent === 'A1'`)
	p.choose("#branches", 1)
	p.until(`document.querySelector('.tv-waiting').textContent === '' && document.querySelector('.k-name').textContent.includes('Grudziądzka')`)
	p.choose("#branches", 0)
	p.until(`document.querySelector('.tv-waiting').textContent === 'A1'`)
}

// The board on the page shows and flashes what the bytes on its wire say, and a board without its cable stops nobody.
func TestPageShowsTheBoards(t *testing.T) {
	b := startPrograms(t)
	p := openPage(t, b.url, "en")
	const led = `document.querySelector('.led[data-board=board-1]')`
	p.until(led + `?.querySelector('.seen').dataset.state === 'ready'`)
	p.click(".k-service", 0)
	p.click(".k-service", 1)
	p.click(firstOpen, 0)
	p.until(`document.querySelector('.counter').dataset.status === 'open' && document.querySelector('.tv-waiting').textContent === 'A1C1'`)
	p.click(firstNext, 0)
	p.until(led + `.dataset.text === 'A1' && ` + led + `.querySelectorAll('.on').length === 8`) // six segments of A, two of 1
	p.until(`Number(` + led + `.dataset.flashes) >= 2`)
	p.until(led + `.querySelector('[role=img]').getAttribute('aria-label') === 'Board of counter 1: A1'`) // at rest again

	p.click(".led .cable", 0)
	p.until(led + `.querySelectorAll('.on').length === 0 && ` + led + `.querySelector('.seen').textContent.includes('no answer')`)
	p.click(firstNext, 0)
	p.until(fmt.Sprintf(counterShows, "C1"))
	p.click(".led .cable", 0)
	p.until(led + `.dataset.text === 'C1' && ` + led + `.querySelector('.seen').dataset.state === 'ready'`)
}

// The page says what the loudspeaker says, plays it once the switch is on, and tells when it is unplugged.
func TestPagePlaysTheVoice(t *testing.T) {
	b := startSpeaking(t)
	p := openPage(t, b.url, "pl")
	p.until(`document.querySelector('.v-switch').getAttribute('aria-checked') === 'false'`)
	for n := 1; n <= 3; n++ {
		b.take(t, fmt.Sprint("A", n))
	}
	p.click(firstOpen, 0)
	p.until(`document.querySelector('.counter').dataset.status === 'open' && document.querySelector('.tv-waiting').textContent === 'A1A2A3'`)
	p.click(firstNext, 0)
	p.until(`document.querySelector('.v-caption').textContent === 'Numer a jeden, proszę do stanowiska jeden.' && document.querySelector('.v-caption').lang === 'pl'`)
	p.until(`!document.querySelector('#voice').classList.contains('speaking')`)
	p.click(".v-switch", 0)
	p.click(firstNext, 0)
	p.until(`document.querySelector('#voice').dataset.heard === '2'`) // the first one was not played

	p.until(`!document.querySelector('#voice').classList.contains('speaking')`)
	p.click("#voice .cable", 0)
	p.until(`document.querySelector('#voice .cable').getAttribute('aria-pressed') === 'true'`)
	p.click(firstNext, 0)
	p.until(fmt.Sprintf(counterShows, "A3"))
	p.until(`document.querySelector('#voice .seen').textContent.startsWith('Oddział mówi: nie słychać')`)
	p.click("#voice .cable", 0)
	p.until(`document.querySelector('#voice .cable').getAttribute('aria-pressed') === 'false'`)
}
