// Package agent puts one branch together: it opens the journal, starts the engine, the devices
// and the web pages in that order, and stops them in reverse.
//
// Concrete drivers and listeners come from cmd; the agent knows only their interfaces.
package agent
