// Package speaker plays announcements from packs of recordings.
//
// A pack is a folder with pack.yaml and one WAV file a recording, <language>/<id>.wav: 16 bits, one
// channel, one rate. Build makes one from any synthesizer, with every recording at the same loudness
// by our own meter of ITU-R BS.1770. An ALSA plays on a sound card through the kernel's own calls; a
// Command plays by handing a program one WAV file on its standard input. Recordings are read from the
// disk as they are played, so that a pack costs no memory. A DFPlayer plays them from its own card, where
// BuildCard has given them numbers.
//
// Run of each speaker owns its goroutines; all other methods may be called from any goroutine.
package speaker
