package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/okienko/okienko/agent/access"
	"github.com/okienko/okienko/protocol"
)

//go:embed templates/*.html static openapi.json
var siteFiles embed.FS

// pageSet is every page's template, with the texts bound in.
type pageSet struct{ templates *template.Template }

func readPages(texts catalogue) (*pageSet, error) {
	t := template.New("").Funcs(template.FuncMap{
		"t": func(lang protocol.Language, key string) string { return texts.text(lang, key) },
	})
	t, err := t.ParseFS(siteFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("read page templates: %w", err)
	}
	return &pageSet{t}, nil
}

// staticHandler serves scripts and styles. They are small and may change with any update, so the
// browser asks again each time.
func staticHandler() http.Handler {
	static, err := fs.Sub(siteFiles, "static")
	if err != nil { // the folder is embedded
		panic(err)
	}
	files := http.StripPrefix("/static/", http.FileServerFS(static))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

type languageLink struct {
	Code    protocol.Language
	Name    string
	Query   template.URL
	Current bool
}

// languageLinks keep the rest of the query, such as the counter or the size of the display.
func languageLinks(r *http.Request, offered []protocol.Language, current protocol.Language) []languageLink {
	names := map[protocol.Language]string{
		protocol.Polish: "Polski", protocol.English: "English", protocol.Ukrainian: "Українська",
	}
	var links []languageLink
	for _, lang := range offered {
		query := url.Values{}
		maps.Copy(query, r.URL.Query())
		query.Set("lang", string(lang))
		links = append(links, languageLink{
			Code: lang, Name: names[lang], Current: lang == current,
			Query: template.URL(query.Encode()), //nolint:gosec // encoded just now
		})
	}
	return links
}

// pageData is what every page needs.
func (s *Server) pageData(x *exchange, lang protocol.Language, page, branch string) map[string]any {
	offered := pageLanguages() // a clerk may speak one that the office does not offer
	if page == "kiosk" {
		offered = s.Languages
	}
	return map[string]any{
		"Lang": lang, "Page": page, "Branch": branch, "Languages": languageLinks(x.r, offered, lang), "SizeQuery": "",
	}
}

// scriptData is what a page's script starts with: its texts and the state at this moment.
func (s *Server) scriptData(lang protocol.Language, v map[string]any, prefixes ...string) map[string]any {
	texts := map[string]string{}
	for key, text := range s.texts[lang] {
		for _, prefix := range prefixes {
			if strings.HasPrefix(key, prefix) {
				texts[key] = text
			}
		}
	}
	v["texts"] = texts
	return v
}

func (s *Server) render(x *exchange, status int, name string, data map[string]any) error {
	var page bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&page, name+".html", data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(page.Bytes())
	return nil
}

// failPage tells an error to a person.
func (s *Server) failPage(x *exchange, err error) {
	p, known := translate(err)
	if !known {
		s.Logger.Error("page failed", "route", x.r.Pattern, "error", err)
	}
	data := s.pageData(x, x.lang, "status", "")
	data["Title"], data["Text"] = s.texts.text(x.lang, "common.sorry"), s.message(x, p)
	data["Link"], data["LinkText"] = "", ""
	status := statusOf(p.code)
	switch {
	case strings.HasPrefix(p.code, "unpaired_"):
		status = http.StatusUnauthorized
	case strings.HasPrefix(x.r.URL.Path, "/kiosk/"):
		data["Link"], data["LinkText"] = "/kiosk?lang="+string(x.lang), s.texts.text(x.lang, "kiosk.close")
	}
	setRetry(x.w, p)
	if err := s.render(x, status, "plain", data); err != nil {
		s.Logger.Error("page failed", "route", x.r.Pattern, "error", err)
		http.Error(x.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// pair stores the token of ?token= as a cookie of this device and takes it out of the address,
// where it would stay in the history. Only a token of that very role is taken: an
// administrator's token must not lie on a machine in the hall.
func (s *Server) pair(x *exchange, role access.Role) (done bool, err error) {
	query := x.r.URL.Query()
	token := query.Get("token")
	if token == "" {
		return false, nil
	}
	found, ok := s.Access.LookUp(token)
	if !ok || found.Role != role {
		return true, problem{code: "unpaired_" + string(role)}
	}
	s.setCookie(x.w, x.r, string(role), token, yearSeconds)
	s.withoutToken(x, query)
	return true, nil
}

func (s *Server) withoutToken(x *exchange, query url.Values) {
	query.Del("token")
	target := url.URL{Path: x.r.URL.Path, RawQuery: query.Encode()}
	http.Redirect(x.w, x.r, target.String(), http.StatusSeeOther)
}

func (s *Server) home(x *exchange) error {
	http.Redirect(x.w, x.r, "/status", http.StatusSeeOther)
	return nil
}

func (s *Server) screenPage(x *exchange) error {
	if done, err := s.pair(x, access.Screen); done || err != nil {
		return err
	}
	if err := s.admitPage(x, access.Screen); err != nil {
		return err
	}
	now, err := s.look(x.r.Context())
	if err != nil {
		return err
	}
	lang := s.kioskLanguage(x)
	p := s.pageData(x, lang, "screen", now.branch)
	p["Title"] = s.texts.text(lang, "screen.title")
	p["SizeQuery"] = sizeQuery("screen", x.r)
	p["Data"] = s.scriptData(lang, map[string]any{"queue": json.RawMessage(now.queueJSON(false))}, "screen.")
	return s.render(x, http.StatusOK, "screen", p)
}

// sizeQuery passes the display's own size on to its style sheet.
func sizeQuery(page string, r *http.Request) template.URL {
	query := url.Values{"page": {page}}
	for _, key := range []string{"width_mm", "distance_mm"} {
		if v := r.URL.Query().Get(key); v != "" {
			query.Set(key, v)
		}
	}
	return template.URL(query.Encode()) //nolint:gosec // encoded just now
}

// sizeSheet gives --mm, one millimetre on this display, and the heights of capitals that its
// readers need: 0.7° at the kiosk (EN 301 549, 5.1.4), a 200th of the distance in the hall, and
// 0.0122 of it for a new call (design reference ux, 1.2).
func (s *Server) sizeSheet(x *exchange) error {
	size := s.Screen
	if x.r.URL.Query().Get("page") == "kiosk" {
		size = s.Kiosk
	}
	width, err := millimetres(x.r, "width_mm", size.WidthMM)
	if err != nil {
		return err
	}
	distance, err := millimetres(x.r, "distance_mm", size.DistanceMM)
	if err != nil {
		return err
	}
	const angle = 0.0122 // tan 0.7°
	capital := float64(distance) / 200
	if x.r.URL.Query().Get("page") == "kiosk" {
		capital = float64(distance) * angle
	}
	x.w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, err = fmt.Fprintf(x.w, ":root { --mm: calc(100vw / %d); --cap: %.2f; --shout: %.2f; }\n",
		width, capital, float64(distance)*angle)
	return err
}

func millimetres(r *http.Request, key string, otherwise int) (int, error) {
	text := r.URL.Query().Get(key)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 50 || n > 100_000 {
		return 0, problem{code: "bad_request", detail: key}
	}
	return n, nil
}
