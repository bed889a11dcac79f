package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
)

// playCommand is the word by which the demo's agents start the demo as their player. People have no
// use for it, so it is not in the help.
const playCommand = "play"

// errNotHeard says that the sound broke off.
var errNotHeard = errors.New("the loudspeaker was unplugged before the end of the sound")

// play hands a WAV file to the loudspeaker at a socket and returns when it has been heard.
func play(ctx context.Context, path string, wav io.Reader) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("no loudspeaker: %w", err)
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be sent
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("no loudspeaker: %s is no socket", path)
	}
	_, err = io.Copy(socket, wav)
	if err = errors.Join(err, socket.CloseWrite()); err != nil {
		return fmt.Errorf("%w: %w", errNotHeard, err)
	}
	if answer, err := io.ReadAll(socket); err != nil || string(answer) != heard {
		return errors.Join(errNotHeard, err)
	}
	return nil
}
