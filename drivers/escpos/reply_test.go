package escpos

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// unhex reads bytes as the manuals write them.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("bad hex in test: %v", err)
	}
	return b
}

func TestConditionFromStatusBytes(t *testing.T) {
	t.Parallel()
	// The bit tables of reference/escpos.md 1.2, which quote the vendors' manuals.
	tests := []struct {
		name  string
		query Query
		bytes string
		want  Condition
	}{
		{"online healthy", QueryOnline, "12", Condition{}},
		{"online drawer", QueryOnline, "16", Condition{Drawer: true}},
		{"online offline", QueryOnline, "1A", Condition{Offline: true}},
		{"online recovery", QueryOnline, "32", Condition{RecoveryWait: true}},
		{"online button", QueryOnline, "52", Condition{}},
		{"offline healthy", QueryOffline, "12", Condition{}},
		{"offline cover", QueryOffline, "16", Condition{CoverOpen: true}},
		{"offline fed by button", QueryOffline, "1A", Condition{}},
		{"offline paper end", QueryOffline, "32", Condition{PaperOut: true}},
		{"offline error", QueryOffline, "52", Condition{OtherError: true}},
		{"error healthy", QueryError, "12", Condition{}},
		{"error recoverable", QueryError, "16", Condition{Recoverable: true}},
		{"error cutter", QueryError, "1A", Condition{CutterError: true}},
		{"error unrecoverable", QueryError, "32", Condition{Unrecoverable: true}},
		{"error head hot", QueryError, "52", Condition{HeadHot: true}},
		{"paper healthy", QueryPaper, "12", Condition{}},
		{"paper near end", QueryPaper, "1E", Condition{NearEnd: true}},
		{"paper out", QueryPaper, "72", Condition{PaperOut: true}},
		{"paper out and near end", QueryPaper, "7E", Condition{PaperOut: true, NearEnd: true}},
		{"queued healthy", QueryQueuedPaper, "00", Condition{}},
		{"queued near end", QueryQueuedPaper, "03", Condition{NearEnd: true}},
		{"queued end", QueryQueuedPaper, "0C", Condition{PaperOut: true}},
		{"asb documented frame", QueryNone, "14 00 00 0F", Condition{Drawer: true}},
		{"asb healthy", QueryNone, "10 00 00 00", Condition{}},
		{"asb offline cover", QueryNone, "38 00 00 0F", Condition{Offline: true, CoverOpen: true}},
		{"asb recovery wait", QueryNone, "18 01 00 00", Condition{Offline: true, RecoveryWait: true}},
		{"asb mechanical", QueryNone, "18 04 00 00", Condition{Offline: true, Recoverable: true}},
		{"asb cutter", QueryNone, "18 08 00 00", Condition{Offline: true, CutterError: true}},
		{"asb unrecoverable", QueryNone, "18 20 00 00", Condition{Offline: true, Unrecoverable: true}},
		{"asb head hot", QueryNone, "18 40 00 00", Condition{Offline: true, HeadHot: true}},
		{"asb near end", QueryNone, "10 00 03 00", Condition{NearEnd: true}},
		{"asb paper end", QueryNone, "18 00 0F 00", Condition{Offline: true, PaperOut: true, NearEnd: true}},
		{"full healthy", QueryFull, "10 0F 00 00 00 00", Condition{}},
		{"full no paper", QueryFull, "10 0F 01 00 00 00", Condition{PaperOut: true}},
		{"full near end", QueryFull, "10 0F 04 00 00 00", Condition{NearEnd: true}},
		{"full ticket out", QueryFull, "10 0F 20 00 00 00", Condition{TicketOut: true}},
		{"full head up", QueryFull, "10 0F 00 01 00 00", Condition{CoverOpen: true}},
		{"full cover", QueryFull, "10 0F 00 02 00 00", Condition{CoverOpen: true}},
		{"full head hot", QueryFull, "10 0F 00 00 01 00", Condition{HeadHot: true}},
		{"full voltage", QueryFull, "10 0F 00 00 08 00", Condition{Recoverable: true}},
		{"full cutter", QueryFull, "10 0F 00 00 00 01", Condition{CutterError: true}},
		{"full memory", QueryFull, "10 0F 00 00 00 04", Condition{Unrecoverable: true}},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			var p Parser
			if tt.query != QueryNone {
				p.Expect(tt.query)
			}
			replies := p.Parse(nil, unhex(t, tt.bytes))
			if len(replies) != 1 {
				t.Fatalf("got %d replies, want 1: %v", len(replies), replies)
			}
			if replies[0].Query != tt.query {
				t.Fatalf("credited to %v, want %v", replies[0].Query, tt.query)
			}
			if diff := cmp.Diff(tt.want, Condition{}.With(replies[0])); diff != "" {
				t.Errorf("condition (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	type got struct {
		Kind  Kind
		Query Query
		Data  string
	}
	tests := []struct {
		name   string
		expect []Query
		bytes  string
		want   []got
	}{
		{"answers in order of the questions", []Query{QueryOnline, QueryPaper}, "12 72", []got{
			{KindRealtime, QueryOnline, "12"}, {KindRealtime, QueryPaper, "72"},
		}},
		{"unasked answer from a picture", []Query{QueryProcess, QueryQueuedPaper}, "12 00", []got{
			{KindRealtime, QueryNone, "12"}, {KindQueued, QueryQueuedPaper, "00"},
		}},
		{"more answers than questions", []Query{QueryPaper}, "12 12", []got{
			{KindRealtime, QueryPaper, "12"}, {KindRealtime, QueryNone, "12"},
		}},
		{"process id", []Query{QueryProcess}, "37 22 50 30 30 31 00", []got{
			{KindProcess, QueryProcess, "50303031"},
		}},
		{"process id nobody waits for", nil, "37 22 50 30 30 31 00", []got{
			{KindProcess, QueryNone, "50303031"},
		}},
		{"token of digits is not status", []Query{QueryOnline, QueryProcess}, "37 22 32 32 32 32 00 12", []got{
			{KindProcess, QueryProcess, "32323232"}, {KindRealtime, QueryOnline, "12"},
		}},
		{"xoff within a block", []Query{QueryProcess}, "37 22 50 13 30 11 30 31 00", []got{
			{KindXOFF, QueryNone, "13"},
			{KindXON, QueryNone, "11"},
			{KindProcess, QueryProcess, "50303031"},
		}},
		{"xoff within a frame", nil, "18 13 00 00 0F", []got{
			{KindXOFF, QueryNone, "13"}, {KindASB, QueryNone, "1800000f"},
		}},
		{"two frames at once", nil, "18 00 0C 00 10 00 00 00", []got{
			{KindASB, QueryNone, "18000c00"}, {KindASB, QueryNone, "10000000"},
		}},
		{"frame cut short by an answer", []Query{QueryPaper}, "10 00 72", []got{
			{KindNoise, QueryNone, "1000"}, {KindRealtime, QueryPaper, "72"},
		}},
		{"block cut short by an answer", []Query{QueryProcess, QueryPaper}, "37 22 32 32 12", []got{
			{KindNoise, QueryNone, "37223232"}, {KindRealtime, QueryPaper, "12"},
		}},
		{"process id too short", []Query{QueryProcess, QueryQueuedPaper}, "37 22 50 30 00", []got{
			{KindNoise, QueryNone, "3722503000"},
		}},
		{"process id too long", []Query{QueryProcess}, "37 22 50 30 30 31 72 00", []got{
			{KindNoise, QueryNone, "372250303031"},
			{KindRealtime, QueryNone, "72"},
			{KindQueued, QueryNone, "00"},
		}},
		{"model name", []Query{QueryIdentity}, "5F 54 4D 2D 54 32 30 00", []got{
			{KindText, QueryIdentity, "544d2d543230"},
		}},
		{"another block", []Query{QueryProcess}, "37 31 30 00", []got{{KindBlock, QueryNone, "3130"}}},
		{"full status asked", []Query{QueryFull}, "10 0F 20 00 00 00", []got{
			{KindFull, QueryFull, "100f20000000"},
		}},
		{"full status unasked is a frame and noise", nil, "10 0F 20 00", []got{
			{KindASB, QueryNone, "100f2000"},
		}},
		{"noise", []Query{QueryPaper}, "FF 80 31 93", []got{
			{KindNoise, QueryNone, "ff"},
			{KindNoise, QueryNone, "80"},
			{KindNoise, QueryNone, "31"},
			{KindNoise, QueryNone, "93"},
		}},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			var p Parser
			for _, q := range tt.expect {
				p.Expect(q)
			}
			var have []got
			for _, r := range p.Parse(nil, unhex(t, tt.bytes)) {
				have = append(have, got{r.Kind, r.Query, hex.EncodeToString(r.Data)})
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("replies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParserForgets(t *testing.T) {
	t.Parallel()
	var p Parser
	p.Expect(QueryPaper)
	p.Forget(QueryPaper)
	if r := p.Parse(nil, []byte{0x12}); r[0].Query != QueryNone {
		t.Errorf("a forgotten query was answered: %v", r[0])
	}
	if p.Abandon() {
		t.Error("nothing was unfinished")
	}
	p.Parse(nil, []byte{0x10, 0x00})
	if !p.Abandon() {
		t.Error("an unfinished frame was not reported")
	}
	p.Expect(QueryPaper)
	p.Reset()
	if r := p.Parse(nil, []byte{0x12}); r[0].Query != QueryNone {
		t.Errorf("an answer was credited across a reset: %v", r[0])
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"DLE-EOT-1", QueryOnline.Request(), "10 04 01"},
		{"DLE-EOT-2", QueryOffline.Request(), "10 04 02"},
		{"DLE-EOT-3", QueryError.Request(), "10 04 03"},
		{"DLE-EOT-4", QueryPaper.Request(), "10 04 04"},
		{"DLE-EOT-20", QueryFull.Request(), "10 04 14"},
		{"GS-r", QueryQueuedPaper.Request(), "1D 72 01"},
		{"GS-I", QueryIdentity.Request(), "1D 49 43"},
		{"GS-H", ProcessRequest(Token{'P', '0', '0', '1'}), "1D 28 48 06 00 30 30 50 30 30 31"},
		{"GS-a", EnableASB(), "1D 61 0E"},
	}
	for _, tt := range tests {
		if !bytes.Equal(tt.got, unhex(t, tt.want)) {
			t.Errorf("%s = % X, want %s", tt.name, tt.got, tt.want)
		}
	}
}

func TestTokensArePrintableAndDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(0, 94*94*94-2).Draw(t, "n")
		a, b := NewToken('P', n), NewToken('P', n+1)
		for _, c := range a {
			if c < 0x20 || c > 0x7E {
				t.Fatalf("token % X is not printable", a)
			}
		}
		if a == b {
			t.Fatalf("tokens %d and %d are equal", n, n+1)
		}
	})
}

// FuzzReplies feeds foreign bytes while paper is out. In the input, FF n asks query n; everything
// else comes from the line. A second, naive reading of the input decides whether anything in it
// may be taken as paper that has come back.
func FuzzReplies(f *testing.F) {
	f.Add([]byte{0xFF, 4, 0x12})
	f.Add([]byte{0xFF, 4, 0x72, 0x10, 0x00, 0x00, 0x00})
	f.Add([]byte{0xFF, 7, 0x37, 0x22, 0x50, 0x30, 0x30, 0x31, 0x00})
	f.Add([]byte{0xFF, 5, 0x10, 0x0F, 0x00, 0x13, 0x00, 0x00})
	f.Add([]byte{0x12, 0x16, 0x00, 0x03, 0x37, 0x10, 0xFF, 1, 0xFF, 4, 0x12, 0x12})
	f.Fuzz(func(t *testing.T, input []byte) {
		var p Parser
		asked, answered := map[Query]int{}, map[Query]int{}
		condition := Condition{PaperOut: true}
		for i := 0; i < len(input); i++ {
			if input[i] == 0xFF && i+1 < len(input) {
				q := Query(input[i+1]%8 + 1)
				asked[q]++
				p.Expect(q)
				i++
				continue
			}
			for _, r := range p.Parse(nil, input[i:i+1]) {
				answered[r.Query]++
				before := condition.PaperOut
				condition = condition.With(r)
				if before && !condition.PaperOut && !mayClear(r, input[:i+1]) {
					t.Fatalf("reply %+v after % X took paper out back", r, input[:i+1])
				}
			}
			if len(p.partial) > maxBlock+1 {
				t.Fatalf("unfinished reply grew to %d bytes", len(p.partial))
			}
		}
		for q, n := range answered {
			if q != QueryNone && n > asked[q] {
				t.Fatalf("%v was answered %d times and asked %d times", q, n, asked[q])
			}
		}
	})
}

// mayClear reports whether the end of line is a reply that truly says that there is paper.
func mayClear(r Reply, line []byte) bool {
	last := line[len(line)-1]
	switch r.Kind {
	case KindRealtime:
		return r.Query == QueryPaper && last&0x93 == 0x12 && last&0x60 == 0
	case KindASB:
		f := r.Data
		return f[0]&0x93 == 0x10 && f[1]&0x90 == 0 && f[2]&0x90 == 0 && f[2]&0x0C == 0 && f[3] == last
	case KindFull:
		return r.Query == QueryFull && bytes.HasPrefix(r.Data, []byte{0x10, 0x0F}) && r.Data[2]&0x41 == 0
	default:
		return false
	}
}
