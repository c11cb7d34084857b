package source

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

var nightly = types.NamespacedName{Namespace: "shop", Name: "nightly"}

// memory is a channel.
type memory struct {
	refuse error
	events []event.Event
}

func (m *memory) Append(_ context.Context, events []event.Event) error {
	if m.refuse == nil {
		m.events = append(m.events, events...)
	}
	return m.refuse
}

// play is a kind of source that does what a test says.
type play struct {
	*Runner
	began, now, most int // runs
	does             func(ctx context.Context, c Config, sink Sink, report Report) error
	channel          *memory
}

// stage runs a test in a bubble, in which play.does is the kind cron.
func stage(t *testing.T, test func(t *testing.T, p *play)) {
	synctest.Test(t, func(t *testing.T) {
		p := &play{channel: &memory{}}
		p.does = func(ctx context.Context, _ Config, _ Sink, report Report) error {
			report.Problem(nil)
			<-ctx.Done()
			return nil
		}
		kinds := map[string]Run{Cron: func(ctx context.Context, c Config, sink Sink, report Report) error {
			p.began++
			p.now++
			p.most = max(p.most, p.now)
			defer func() { p.now-- }()
			return p.does(ctx, c, sink, report)
		}}
		p.Runner = NewRunner(kinds, func(name types.NamespacedName) (Sink, bool) {
			return p.channel, name == types.NamespacedName{Namespace: "shop", Name: "orders"}
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil || p.now != 0 {
				t.Errorf("%v, and %d still run", err, p.now)
			}
			if p.most > 1 {
				t.Errorf("%d ran at a time", p.most)
			}
		}()
		test(t, p)
	})
}

// config is one, with changes.
func config(changes ...func(*Config)) Config {
	c := Config{Name: nightly, UID: "1", Spec: v1alpha1.SourceSpec{Channel: "orders", Cron: &v1alpha1.CronSource{Schedule: "0 3 * * *"}}, Position: "a", Events: 7}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func (p *play) status(t *testing.T) Status {
	t.Helper()
	synctest.Wait()
	s, ok := p.Status(nightly)
	if !ok {
		t.Error("there is no such source")
	}
	return s
}

// TestRunsAnew when something has changed, and only then; it goes on where it was.
func TestRunsAnew(t *testing.T) {
	stage(t, func(t *testing.T, p *play) {
		var positions []string
		p.does = func(ctx context.Context, c Config, _ Sink, report Report) error {
			positions = append(positions, c.Position)
			report.Problem(nil)
			report.Accepted(2)
			report.Position("b")
			<-ctx.Done()
			time.Sleep(time.Second) // it is slow to end
			report.Position("c")
			return errors.New("which nobody wants to know")
		}
		for _, step := range []struct {
			name  string
			do    func()
			began int
		}{
			{"first", func() { p.Set(config()) }, 1},
			{"the same, later", func() { p.Set(config(func(c *Config) { c.Position, c.Events = "b", 9 })) }, 1},
			{"another spec", func() { p.Set(config(func(c *Config) { c.Spec.Cron.Schedule = "0 4 * * *" })) }, 2},
			{"another Secret", func() {
				p.Set(config(func(c *Config) { c.Secrets = map[string]map[string][]byte{"a": {"b": []byte("c")}} }))
			}, 3},
			{"stopped", func() { p.Stop(nightly) }, 3},
			{"set again", func() { p.Set(config()) }, 4},
			{"removed, and set at once", func() { p.Remove(nightly); p.Set(config()) }, 5},
		} {
			step.do()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := p.status(t); p.began != step.began || got.Problem != nil {
				t.Errorf("%s: it began %d times, want %d; %+v", step.name, p.began, step.began, got)
			}
		}
		if diff := cmp.Diff([]string{"a", "c", "c", "c", "c"}, positions); diff != "" {
			t.Errorf("positions (-want +got)\n%s", diff)
		}
		if got := p.status(t); got.Events != 7+5*2 || got.Position != "b" || got.LastEvent.IsZero() {
			t.Errorf("got %+v", got)
		}
		p.Set(config(func(c *Config) { c.UID, c.Position, c.Events = "2", "", 0 }))
		time.Sleep(2 * time.Second)
		if got := p.status(t); got.Events != 2 || positions[5] != "c" {
			t.Errorf("another object: got %+v, positions %q", got, positions)
		}
		p.Remove(nightly)
		time.Sleep(2 * time.Second)
		if got, ok := p.Status(nightly); ok || len(p.sources) > 0 {
			t.Errorf("removed, but there is %+v, %d in all", got, len(p.sources))
		}
	})
}

// TestFails: it is run again after pauses that grow, and told.
func TestFails(t *testing.T) {
	stage(t, func(t *testing.T, p *play) {
		var at []time.Duration
		began := time.Now()
		p.does = func(context.Context, Config, Sink, Report) error {
			at = append(at, time.Since(began))
			return errors.New("the queue does not answer")
		}
		p.Set(config())
		time.Sleep(time.Hour)
		if got := p.status(t); got.Problem == nil || got.Problem.Error() != "the queue does not answer" || got.Invalid {
			t.Errorf("got %+v", got)
		}
		for i := 1; i < len(at); i++ {
			pause := min(time.Second<<(i-1), v1alpha1.MaxSourcePause)
			if d := at[i] - at[i-1]; d < pause/2 || d > pause {
				t.Errorf("pause %d was %s, want at most %s", i, d, pause)
			}
		}
		before := len(at)
		p.Set(config(func(c *Config) { c.Spec.Channel = "other" }))
		time.Sleep(2 * time.Second)
		if got := p.status(t); got.Problem == nil || len(at) < before+2 {
			t.Errorf("a change did not begin anew: %d runs, before %d", len(at), before)
		}
	})
}

// TestInvalid: it is not run again before something changes.
func TestInvalid(t *testing.T) {
	stage(t, func(t *testing.T, p *play) {
		well := p.does
		p.does = func(context.Context, Config, Sink, Report) error { return &Invalid{"there is no such zone"} }
		p.Set(config())
		time.Sleep(24 * time.Hour)
		if got := p.status(t); p.began != 1 || !got.Invalid || got.Problem.Error() != "there is no such zone" {
			t.Errorf("it began %d times, %+v", p.began, got)
		}
		p.does = well
		p.Set(config(func(c *Config) { c.Spec.Cron.TimeZone = "UTC" }))
		if got := p.status(t); p.began != 2 || got.Invalid || got.Problem != nil {
			t.Errorf("it began %d times, %+v", p.began, got)
		}
		for _, wrong := range []func(*Config){
			func(c *Config) { c.Spec.Extensions = map[string]v1alpha1.EventAttribute{"type": "x"} },
			func(c *Config) { c.Spec.Extensions = map[string]v1alpha1.EventAttribute{"data": "x"} },
			func(c *Config) { c.Spec.Cron, c.Spec.Kafka = nil, &v1alpha1.KafkaSource{} },
		} {
			p.Set(config(wrong))
			if got := p.status(t); p.began != 2 || !got.Invalid {
				t.Errorf("it began %d times, %+v", p.began, got)
			}
		}
	})
}

// TestSink: events get the extensions, and what the channel says is told.
func TestSink(t *testing.T) {
	stage(t, func(t *testing.T, p *play) {
		results := make(chan error, 1)
		p.does = func(ctx context.Context, _ Config, sink Sink, _ Report) error {
			results <- sink.Append(ctx, []event.Event{{ID: "1", Source: "/", Type: "a"}})
			<-ctx.Done()
			return nil
		}
		extensions := map[string]v1alpha1.EventAttribute{"team": "till", "area": "eu"}
		again := func(change func(*Config)) error {
			p.Set(config(func(c *Config) { c.Spec.Extensions = extensions }, change))
			return <-results
		}
		if err := again(func(*Config) {}); err != nil {
			t.Error(err)
		}
		want := []event.Event{{ID: "1", Source: "/", Type: "a", Extensions: []event.Attribute{{Name: "area", Value: "eu"}, {Name: "team", Value: "till"}}}}
		if diff := cmp.Diff(want, p.channel.events); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for name, tc := range map[string]struct {
			refuse error
			other  string // channel
			told   bool
		}{
			"full":      {&channel.Full{}, "", true},
			"too large": {&channel.TooLarge{}, "", false},
			"gone":      {nil, "gone", true},
			"well":      {nil, "", false},
		} {
			p.channel.refuse = tc.refuse
			err := again(func(c *Config) {
				c.Secrets = map[string]map[string][]byte{name: nil}
				if tc.other != "" {
					c.Spec.Channel = tc.other
				}
			})
			if got := p.status(t); (got.Refused != nil) != tc.told || tc.told != (err != nil) && tc.refuse == nil {
				t.Errorf("%s: %v; %+v", name, err, got)
			}
		}
	})
}

// TestBeforeRun: what is set before Run begins with it, and what was removed does
// not.
func TestBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := make(chan string, 2)
		r := NewRunner(map[string]Run{Cron: func(ctx context.Context, c Config, _ Sink, _ Report) error {
			began <- c.Name.Name
			<-ctx.Done()
			return nil
		}}, nil, slog.New(slog.DiscardHandler))
		r.Set(config())
		r.Set(config(func(c *Config) { c.Name.Name = "other" }))
		r.Remove(types.NamespacedName{Namespace: "shop", Name: "other"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.Run(ctx); err != nil || len(began) != 1 {
			t.Errorf("%v, %d began", err, len(began))
		}
	})
}
