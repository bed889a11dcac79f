// Package access decides who may do what at one branch: bearer tokens for programs and devices,
// accounts with a PIN for clerks, and the sessions that a sign-in opens.
//
// Everything lives in two files of the branch's data directory, both of mode 0600 and both
// written whole by temp file, fsync, rename and fsync of the directory:
//
//   - tokens.json: role, label, time of making and the SHA-256 of each bearer token;
//   - clerks.json: name, role, salt and argon2id hash of each account.
//
// No token, PIN or session identifier is stored or logged in clear. A file that another process
// has changed (okienko-agent token create) is noticed at the next look-up, so no goroutine
// watches anything. Sessions live in memory only: a restart signs every clerk out.
//
// A Store may be used by many goroutines. It starts none.
package access
