package protocol

// Settings is everything that the queue rules of one branch depend on. The centre owns it; a
// branch without a centre takes it from its configuration file. It travels whole: a change is a
// new Settings.
type Settings struct {
	Branch BranchID `json:"branch"`
	// Name is shown to visitors.
	Name string `json:"name"`
	// Zone is an IANA time zone name, such as Europe/Warsaw.
	Zone     string    `json:"zone"`
	Services []Service `json:"services"`
	Counters []Counter `json:"counters"`
	// Hours are the opening hours of the branch.
	Hours Week `json:"hours"`
	// Closed lists days on which the branch does not open, such as public holidays.
	Closed []Day `json:"closed,omitempty"`
	Rules  Rules `json:"rules"`
}

// Service is a matter that people come for.
type Service struct {
	ID ServiceID `json:"id"`
	// Letter begins the numbers of this service: one capital letter, A to Z.
	Letter string `json:"letter"`
	// Names holds the service's name by language; Polish is always there.
	Names map[Language]string `json:"names"`
	// WalkIn and Booked are disjoint ranges of the same letter (default 1–599 and 601–999).
	WalkIn NumberRange `json:"walk_in"`
	Booked NumberRange `json:"booked"`
	// Quota is the most walk-in tickets a day; 0 means no limit.
	Quota int `json:"quota,omitempty"`
	// MeanSeconds is the typed-in time from call to finish, used until the branch has learnt.
	MeanSeconds int `json:"mean_seconds"`
	// Hours narrows the branch's opening hours for this service; nil means the branch's.
	Hours Week `json:"hours,omitempty"`
	// BookingOnly services issue no walk-in tickets.
	BookingOnly bool `json:"booking_only,omitempty"`
	// Draining marks a service that was taken out while people wait: it issues nothing more.
	Draining bool `json:"draining,omitempty"`
}

// NumberRange is an inclusive range of ticket numbers.
type NumberRange struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// Counter is a place where visitors are served.
type Counter struct {
	ID CounterID `json:"id"`
	// Name is for the screen; empty means "stanowisko" and the number.
	Name string `json:"name,omitempty"`
	// Skills maps each service that the counter serves to its penalty in minutes (usually 0).
	Skills map[ServiceID]int `json:"skills"`
}

// Week holds opening hours by weekday, Sunday = 0 as in time.Weekday. A missing day is closed.
type Week map[int][]Period

// Period is a part of a local day in minutes after midnight; Opens < Closes ≤ 1440.
type Period struct {
	Opens  int `json:"opens"`
	Closes int `json:"closes"`
}

// Rules holds the numbers of design/3-queue-rules.md that an office may set. DefaultRules gives
// the design's values.
type Rules struct {
	// BookedHeadStartMinutes is taken off the base of a booked ticket (0 is "literal Toruń").
	BookedHeadStartMinutes int `json:"booked_head_start_minutes"`
	// PriorityHeadStartMinutes is taken off for the priority groups by law.
	PriorityHeadStartMinutes int `json:"priority_head_start_minutes"`
	// MaxCalls is the number of calls after which an absent visitor is removed.
	MaxCalls int `json:"max_calls"`
	// ServedBetweenCalls is how many visitors are served before an absent one is called again.
	ServedBetweenCalls int `json:"served_between_calls"`
	// RecallSeconds is the wait before a recall when nobody else is waiting.
	RecallSeconds int `json:"recall_seconds"`
	// CallAfterFinish makes the counter call its next visitor by itself after a finish.
	CallAfterFinish bool `json:"call_after_finish"`
	// CheckIn asks booked visitors to check in; CheckInLateMinutes is their grace.
	CheckIn            bool `json:"check_in"`
	CheckInLateMinutes int  `json:"check_in_late_minutes"`
	// ReentryMinutes is how long after a removal a scan gives a booked visitor a new ticket.
	ReentryMinutes int `json:"reentry_minutes"`
	// UndoSeconds is how long a counter's last command may be undone.
	UndoSeconds int `json:"undo_seconds"`
	// LateMaxMinutes bounds how far a holder may move himself back.
	LateMaxMinutes int `json:"late_max_minutes"`
	// StopIssuingBelow and IssueAgainAbove are probabilities of being called before closing.
	StopIssuingBelow float64 `json:"stop_issuing_below"`
	IssueAgainAbove  float64 `json:"issue_again_above"`
}

// DefaultRules are the values of design/3-queue-rules.md.
func DefaultRules() Rules {
	return Rules{
		BookedHeadStartMinutes: 60, PriorityHeadStartMinutes: 24 * 60, MaxCalls: 3,
		ServedBetweenCalls: 1, RecallSeconds: 120, CheckInLateMinutes: 15, ReentryMinutes: 15,
		UndoSeconds: 5, LateMaxMinutes: 30, StopIssuingBelow: 0.80, IssueAgainAbove: 0.90,
	}
}

// Booking is what a branch knows of a visit booked at the centre. It holds nothing personal.
type Booking struct {
	ID      BookingID    `json:"id"`
	Service ServiceID    `json:"service"`
	Number  TicketNumber `json:"number"`
	// Day and Hour are the booked local date and its instant, converted once by the centre.
	Day       Day       `json:"day"`
	Hour      Instant   `json:"hour"`
	Language  Language  `json:"language"`
	Priority  bool      `json:"priority,omitempty"`
	TokenHash TokenHash `json:"token_hash,omitempty"`
	// CodeHash lets the kiosk check the visitor in by his code: hex SHA-256 of it.
	CodeHash  TokenHash `json:"code_hash,omitempty"`
	Cancelled bool      `json:"cancelled,omitempty"`
}
