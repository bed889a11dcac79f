package access

import (
	"fmt"
	"slices"
)

// Role is what a token or an account may do. Admin may do what Clerk may, Clerk what Kiosk and
// Screen may (design/5-interfaces.md).
type Role string

// The roles.
const (
	Kiosk  Role = "kiosk"
	Screen Role = "screen"
	Clerk  Role = "clerk"
	Admin  Role = "admin"
)

// Roles lists every role, the weakest first.
func Roles() []Role { return []Role{Screen, Kiosk, Clerk, Admin} }

// ParseRole reads the name of a role as the command line and the files write it.
func ParseRole(s string) (Role, error) {
	if slices.Contains(Roles(), Role(s)) {
		return Role(s), nil
	}
	return "", fmt.Errorf("%q is not a role: choose kiosk, clerk, screen or admin", s)
}

// Allows reports whether a holder of r may do what needs the role wanted.
func (r Role) Allows(wanted Role) bool {
	switch r {
	case Admin:
		return true
	case Clerk:
		return wanted != Admin
	case Kiosk, Screen:
		return r == wanted
	default:
		return false
	}
}
