package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/okienko/okienko/agent/announce"
	"github.com/okienko/okienko/drivers"
	"github.com/okienko/okienko/drivers/speaker"
	"github.com/okienko/okienko/protocol"
)

// voiceCommand groups what there is to do with voice packs.
type voiceCommand struct {
	Build  voiceBuild  `cmd:"" help:"Make a voice pack, by espeak-ng or another program, or of recordings."`
	Lint   voiceLint   `cmd:"" help:"Check a voice pack: missing recordings, levels, lengths."`
	Script voiceScript `cmd:"" help:"List what a speaker has to read, with the name of each recording's file."`
}

// synthesizer is the program that speaks by default, and its voices (reference/ux.md section 4).
const synthesizer = "espeak-ng"

func synthesizerVoice(l protocol.Language) string {
	if l == protocol.English {
		return "en-gb+f2"
	}
	return string(l) + "+f2"
}

// voiceBuild is okienko-agent voice build.
type voiceBuild struct {
	Language []string `default:"pl,en,uk" help:"Languages: pl, en, uk, de."`
	Out      string   `required:"" type:"path" help:"Folder of the pack."`
	Command  []string `sep:"none" help:"Program and arguments, one flag each; reads {text} in {language}, writes WAV."`
	From     string   `type:"path" help:"Folder of a speaker's recordings, LANGUAGE/ID.wav; the others are synthesized."`
	Licence  string   `help:"Terms of the recordings, for pack.yaml."`
	DFPlayer bool     `name:"dfplayer" help:"Make the folders for the SD card of a DFPlayer Mini as well."`
	Config   string   `type:"path" help:"Record the names of this file's services too, for a button that reads aloud."`
}

// Run makes the recordings of each language.
func (c voiceBuild) Run(ctx context.Context, std streams) error {
	for _, l := range c.Language {
		language := protocol.Language(l)
		recordings, err := recordingsOf(std, language, c.Config)
		if err != nil {
			return err
		}
		plan := speaker.Plan{
			Dir: c.Out, Language: l, Voice: strings.Join(c.line(language), " "), Licence: c.Licence,
			Prompts: prompts(recordings),
			Say: func(ctx context.Context, p speaker.Prompt) (speaker.Sound, error) {
				return c.say(ctx, language, p)
			},
			Told: func(done, all int) {
				if done == all || done%50 == 0 {
					_, _ = fmt.Fprintf(std.err, "%s: %d of %d recordings\n", l, done, all)
				}
			},
		}
		if err := speaker.Build(ctx, plan); err != nil {
			return fmt.Errorf("make the voice pack: %w", err)
		}
	}
	if _, err := fmt.Fprintf(std.out, "%s holds %s.\n", c.Out, strings.Join(c.Language, ", ")); err != nil || !c.DFPlayer {
		return err
	}
	if err := speaker.BuildCard(c.Out, c.Language); err != nil {
		return fmt.Errorf("make the folders of the card: %w", err)
	}
	_, err := fmt.Fprintf(std.out, "Copy what is in %s to an empty SD card.\n", speaker.CardFolder(c.Out))
	return err
}

// recordingsOf lists what a pack holds, with the names of the services of a configuration, if there is one.
func recordingsOf(std streams, l protocol.Language, path string) ([]announce.Recording, error) {
	recordings := announce.Recordings(l)
	if recordings == nil {
		return nil, fmt.Errorf("%w: the language %q is not announced; there are pl, en, uk and de", errUse, l)
	}
	if path == "" {
		return recordings, nil
	}
	conf, err := load(std, path)
	if err != nil {
		return nil, err
	}
	for _, s := range conf.Services {
		name := cmp.Or(s.Names[l], s.Names[protocol.Polish])
		recordings = append(recordings, announce.Recording{ID: announce.LabelID(s.ID), Text: name, Final: true})
	}
	return recordings, nil
}

// say makes one recording: the speaker's, if there is one, else by the synthesizer.
func (c voiceBuild) say(ctx context.Context, l protocol.Language, p speaker.Prompt) (speaker.Sound, error) {
	if c.From != "" {
		path := filepath.Join(c.From, string(l), p.ID+".wav")
		data, err := os.ReadFile(path)
		switch {
		case err == nil:
			sound, err := speaker.DecodeWAV(data)
			if err != nil {
				return speaker.Sound{}, fmt.Errorf("read %s: %w", path, err)
			}
			return sound, nil
		case !errors.Is(err, os.ErrNotExist):
			return speaker.Sound{}, fmt.Errorf("read a recording: %w", err)
		}
	}
	return synthesize(ctx, c.line(l), p.Text)
}

// voiceScript is okienko-agent voice script.
type voiceScript struct {
	Language string `default:"pl" help:"pl, en, uk or de."`
	Config   string `type:"path" help:"List the names of this file's services too."`
}

// Run writes a line for each recording: the file's name, a tab, and the words with the sign that ends or
// goes on with the sentence, by which a speaker knows how to raise the voice.
func (c voiceScript) Run(std streams) error {
	recordings, err := recordingsOf(std, protocol.Language(c.Language), c.Config)
	if err != nil {
		return err
	}
	for _, p := range prompts(recordings) {
		if _, err := fmt.Fprintf(std.out, "%s/%s.wav\t%s\n", c.Language, p.ID, p.Text); err != nil {
			return err
		}
	}
	return nil
}

// line is the command line that reads a text.
func (c voiceBuild) line(l protocol.Language) []string {
	if len(c.Command) == 0 {
		return []string{synthesizer, "-v", synthesizerVoice(l), "-s", "150", "--stdout", "--", "{text}"}
	}
	var line []string
	for _, word := range c.Command {
		line = append(line, strings.ReplaceAll(word, "{language}", string(l)))
	}
	return line
}

// prompts are the recordings with the sign that ends or goes on with the sentence.
func prompts(recordings []announce.Recording) []speaker.Prompt {
	list := make([]speaker.Prompt, len(recordings))
	for i, r := range recordings {
		list[i] = speaker.Prompt{ID: r.ID, Text: strings.TrimSuffix(r.Text, ",") + ","}
		if r.Final {
			list[i].Text = r.Text + "."
		}
	}
	return list
}

// synthesize runs a synthesizer on one text.
func synthesize(ctx context.Context, line []string, text string) (speaker.Sound, error) {
	words := make([]string, len(line))
	for i, word := range line {
		words[i] = strings.ReplaceAll(word, "{text}", text)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the caller's own program
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return speaker.Sound{}, fmt.Errorf("%s is not installed (on Debian: apt install espeak-ng): %w", words[0], err)
	}
	if err != nil {
		return speaker.Sound{}, fmt.Errorf("%s: %w: %s", words[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return speaker.DecodeWAV(out)
}

// voiceLint is okienko-agent voice lint.
type voiceLint struct {
	Language []string `default:"pl,en,uk" help:"Languages that the pack must hold."`
	Dir      string   `arg:"" type:"path" help:"Folder of the pack."`
}

// Run tells everything that is wrong with the pack.
func (c voiceLint) Run(std streams) error {
	var all []error
	for _, l := range c.Language {
		all = append(all, speaker.Lint(c.Dir, l, prompts(announce.Recordings(protocol.Language(l)))))
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "%s is in order.\n", c.Dir)
	return err
}

// sayCommand is okienko-agent say.
type sayCommand struct {
	Language string   `default:"pl" help:"pl, en, uk or de."`
	Number   string   `required:"" help:"Number of the ticket, such as A45."`
	Counter  int      `required:"" help:"Number of the counter."`
	Place    string   `default:"stanowisko" enum:"stanowisko,okienko,pokoj,sala,kasa" help:"What counters are called."`
	Again    bool     `help:"Announce it as called before."`
	Pack     string   `type:"path" help:"Folder of a voice pack; without one espeak-ng reads the few words of this call."`
	WAV      string   `name:"wav" type:"path" help:"Write the sound to this file instead of playing it."`
	Player   []string `default:"aplay,-q,-" help:"Program that plays a WAV file from its standard input."`
}

// Run prints the sentence, and plays it or writes it to a file.
func (c sayCommand) Run(ctx context.Context, std streams) error {
	language := protocol.Language(c.Language)
	number, err := protocol.ParseTicketNumber(c.Number)
	if err != nil || announce.Recordings(language) == nil || c.Counter < 1 || c.Counter > 999 {
		return fmt.Errorf("%w: the number is like A45, the counter 1 to 999, the language pl, en, uk or de", errUse)
	}
	call := announce.Call{Number: number, Counter: protocol.CounterID(c.Counter), Again: c.Again}
	ids := announce.Phrase(language, announce.Place(c.Place), call)
	pack := c.Pack
	if pack == "" {
		temporary, err := os.MkdirTemp("", "okienko-voice-")
		if err != nil {
			return fmt.Errorf("make a folder for the recordings: %w", err)
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		pack = temporary
		if err := buildFew(ctx, pack, language, ids); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(std.out, announce.Text(language, announce.Place(c.Place), call)); err != nil {
		return err
	}
	return c.play(ctx, pack, announcement(language, ids, true))
}

func (c sayCommand) play(ctx context.Context, pack string, clips []drivers.Clip) error {
	if c.WAV == "" {
		device, err := speaker.NewCommand(c.Player, pack, c.Language, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return device.Play(ctx, clips)
	}
	var sound bytes.Buffer
	if err := speaker.Mix(&sound, pack, clips); err != nil {
		return err
	}
	if err := os.WriteFile(c.WAV, sound.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the sound: %w", err)
	}
	return nil
}

// buildFew makes a pack with the recordings of one call.
func buildFew(ctx context.Context, dir string, l protocol.Language, ids []string) error {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	var few []announce.Recording
	for _, r := range announce.Recordings(l) {
		if wanted[r.ID] {
			few = append(few, r)
		}
	}
	line := voiceBuild{}.line(l)
	err := speaker.Build(ctx, speaker.Plan{
		Dir: dir, Language: string(l), Voice: strings.Join(line, " "), Prompts: prompts(few),
		Say: func(ctx context.Context, p speaker.Prompt) (speaker.Sound, error) {
			return synthesize(ctx, line, p.Text)
		},
	})
	if err != nil {
		return fmt.Errorf("read the call aloud: %w", err)
	}
	return nil
}

// announcement names the recordings of a phrase for the speaker.
func announcement(l protocol.Language, ids []string, gong bool) []drivers.Clip {
	var clips []drivers.Clip
	if gong {
		clips = append(clips, drivers.Clip(string(l)+"/"+announce.Gong))
	}
	for _, id := range ids {
		clips = append(clips, drivers.Clip(string(l)+"/"+id))
	}
	return clips
}
