package queue

// Code says why a command was refused; the API shows it as error.code.
type Code string

// The reasons for a refusal.
const (
	NoSuchTicket    Code = "no_such_ticket"
	NoSuchCounter   Code = "no_such_counter"
	NoSuchService   Code = "no_such_service"
	NoSuchBooking   Code = "no_such_booking"
	WrongState      Code = "wrong_state"      // the ticket is not in a state that allows it
	CounterNotOpen  Code = "counter_not_open" // open it first
	CounterBusy     Code = "counter_busy"     // somebody is being served there
	CounterFree     Code = "counter_free"     // nobody is called there
	StaleView       Code = "stale"            // seen is not the present ticket
	OutsideHours    Code = "outside_hours"
	QuotaReached    Code = "quota_reached"
	IssuingIsOff    Code = "issuing_stopped"
	BookingsOnly    Code = "booking_only"
	NotYourService  Code = "not_in_skills"
	ReasonMissing   Code = "reason_missing"
	NothingToUndo   Code = "nothing_to_undo"
	UndoTooLate     Code = "undo_too_late"
	ChangedSince    Code = "changed_since" // a ticket touched by the command has moved on
	AlreadyLate     Code = "already_late"
	TooEarly        Code = "too_early"
	BadSettings     Code = "bad_settings"
	BadValue        Code = "bad_value"
	DayNotOpen      Code = "day_not_open"
	DuplicateTicket Code = "duplicate_ticket"
)

// Refusal is the error of Decide: nothing happened and nothing will. Code is for programs,
// Detail for the log; what people read is made from Code by the web shell.
type Refusal struct {
	Code   Code
	Detail string
}

// Error gives the code and the detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return string(r.Code)
	}
	return string(r.Code) + ": " + r.Detail
}
