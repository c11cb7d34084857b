package cursor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
	"k8s.io/apimachinery/pkg/types"
)

// Claimed is the error of OpenLog when another process may have the log.
type Claimed struct {
	// Claim of that process.
	Claim uint64
}

func (e *Claimed) Error() string {
	return "another process has the cursors, or had them until it ended"
}

// ErrDeposed is returned when another process has opened the log: it delivers
// now, and nothing that is recorded here counts any more.
var ErrDeposed = errors.New("another process has the cursors")

const (
	logStream  = "headway-cursors" // no channel has that name
	logSubject = "headway.cursors"
	// writerHeader names the process that wrote a message, and claimHeader its
	// claim, which the claim itself has as its number; resetHeader is on the first
	// of those that have everything.
	writerHeader, claimHeader, resetHeader = "Headway-Writer", "Headway-Claim", "Headway-Reset"

	// messageBytes is how large a message may get, but for one large record.
	messageBytes = 256 << 10
	// Everything is written anew after so many messages, or so many times the
	// bytes that it then took. Reading it takes a second or two.
	compactMessages, compactBytes, compactTimes = 2000, 4 << 20, 4
	// answerTimeout is how long the servers may take for one answer: as long as
	// an election among them.
	answerTimeout = 10 * time.Second
)

// log keeps places in a stream of JetStream, for whoever delivers next: what has
// changed in messages of one group each, and now and then everything. Each
// message says after which one it belongs. So a process that opens the log, and
// writes a first message, has everybody else's refused from then on: there is
// one process at a time that delivers, whatever the network does.
type log struct {
	js       jetstream.JetStream
	replicas int
	writer   string
	known    uint64

	claim    atomic.Uint64 // the number of the first message of this process
	last     uint64        // of the newest one
	deposed  bool
	messages int // since everything was written
	bytes    int
	whole    int // bytes that everything took
}

// OpenLog opens the log of cursors in JetStream, and ends the right to it of
// whoever had it. known is the claim of the last process that is known to have
// ended, 0 if there is none: *Claimed is returned for a newer one. ErrDeposed:
// another process was quicker.
func OpenLog(ctx context.Context, js jetstream.JetStream, replicas int, known uint64, now func() time.Time) (*Store, error) {
	l := &log{js: js, replicas: replicas, writer: rand.Text(), known: known}
	s, err := open(ctx, l, now)
	if err != nil {
		return nil, fmt.Errorf("reading the cursors: %w", err)
	}
	return s, nil
}

// Claim is greater than that of every process that had the log before; 0 for a
// file.
func (s *Store) Claim() uint64 {
	if l, ok := s.disk.(*log); ok {
		return l.claim.Load()
	}
	return 0
}

// load reads the log and claims it.
func (l *log) load(ctx context.Context, s *Store) error {
	making, cancel := context.WithTimeout(ctx, answerTimeout/2) // without a leader nobody answers, also later
	defer cancel()
	stream, err := l.js.CreateOrUpdateStream(making, jetstream.StreamConfig{
		Name: logStream, Subjects: []string{logSubject}, Storage: jetstream.FileStorage, Replicas: l.replicas, AllowAtomicPublish: true,
	})
	if err != nil {
		return fmt.Errorf("making the stream %s: %w", logStream, err)
	}
	info, err := stream.Info(making)
	if err != nil {
		return err
	}
	claim := uint64(0)
	// Asked for one by one, the leader of the stream answers, which has them all.
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq && info.State.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if err != nil {
			return fmt.Errorf("message %d: %w", seq, err)
		}
		if claim = seq; msg.Header.Get(claimHeader) != "" {
			if claim, err = strconv.ParseUint(msg.Header.Get(claimHeader), 10, 64); err != nil {
				return fmt.Errorf("message %d: %w", seq, err)
			}
		}
		if msg.Header.Get(resetHeader) != "" {
			clear(s.places)
			l.messages, l.bytes = 0, 0
		}
		if err := s.replay(msg.Data); err != nil {
			return fmt.Errorf("message %d: %w", seq, err)
		}
		l.messages, l.bytes = l.messages+1, l.bytes+len(msg.Data)
	}
	for _, p := range s.places {
		if err := p.check(); err != nil {
			return fmt.Errorf("subscription %s: %w", p.name, err)
		}
		s.open.Add(int64(p.open()))
	}
	if claim > l.known {
		return &Claimed{claim}
	}
	l.last = info.State.LastSeq
	if err := l.publish([]*nats.Msg{l.message(nil)}); err != nil {
		return fmt.Errorf("claiming them: %w", err)
	}
	l.claim.Store(l.last)
	return nil
}

func (l *log) message(data []byte) *nats.Msg {
	header := nats.Header{writerHeader: {l.writer}}
	if claim := l.claim.Load(); claim > 0 {
		header.Set(claimHeader, strconv.FormatUint(claim, 10))
	}
	return &nats.Msg{Subject: logSubject, Header: header, Data: data}
}

func (l *log) write(changes []change) error {
	if l.deposed {
		return ErrDeposed
	}
	var msgs []*nats.Msg
	for _, data := range encode(changes) {
		msgs = append(msgs, l.message(data))
	}
	return l.publish(msgs)
}

// compact writes everything when there is much to read, and drops what was
// before.
func (l *log) compact(all func() []change) error {
	if l.messages < compactMessages && l.bytes < max(compactBytes, compactTimes*l.whole) {
		return nil
	}
	before := l.bytes
	l.messages, l.bytes = 0, 0
	msgs := []*nats.Msg{l.message(nil)}
	msgs[0].Header.Set(resetHeader, "1")
	for _, data := range encode(all()) {
		msgs = append(msgs, l.message(data))
	}
	if err := l.publish(msgs); err != nil {
		l.bytes = before
		return err
	}
	l.whole = l.bytes
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	stream, err := l.js.Stream(ctx, logStream)
	if err == nil {
		_ = stream.Purge(ctx, jetstream.WithPurgeSequence(l.last-uint64(len(msgs))+1)) // else the next time
	}
	return nil
}

// publish appends messages, all or none, after those that this process knows.
func (l *log) publish(msgs []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	msgs[0].Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(l.last, 10))
	var seq uint64
	if len(msgs) == 1 {
		ack, err := l.js.PublishMsg(ctx, msgs[0])
		if err != nil {
			return l.lookUp(err)
		}
		seq = ack.Sequence
	} else {
		ack, err := jetstreamext.PublishMsgBatch(ctx, l.js, msgs, jetstreamext.BatchFlowControl{AckTimeout: answerTimeout})
		if err != nil {
			return l.lookUp(err)
		}
		seq = ack.Sequence
	}
	l.last = seq
	for _, m := range msgs {
		l.messages, l.bytes = l.messages+1, l.bytes+len(m.Data)
	}
	return nil
}

// lookUp finds out after a failed write whether another process has the log. If
// not, the write may have arrived all the same: writing it again changes nothing.
func (l *log) lookUp(cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	stream, err := l.js.Stream(ctx, logStream)
	if err != nil {
		return cause // the next write finds out
	}
	for l.last < stream.CachedInfo().State.LastSeq {
		msg, err := stream.GetMsg(ctx, l.last+1)
		if err != nil {
			return cause
		}
		if msg.Header.Get(writerHeader) != l.writer {
			l.deposed = true
			return ErrDeposed
		}
		l.last++
	}
	return cause
}

func (*log) close() error { return nil }

// check returns an error for a place that the messages of a log do not make up.
func (p *Place) check() error {
	for i, s := range p.done {
		if s.to < s.from || i > 0 && p.done[i-1].to >= s.from {
			return fmt.Errorf("the range from %d: %w", s.from, errRecord)
		}
	}
	return nil
}

func parseName(s string) (types.NamespacedName, bool) {
	for i := range s {
		if s[i] == '/' {
			return types.NamespacedName{Namespace: s[:i], Name: s[i+1:]}, true
		}
	}
	return types.NamespacedName{}, false
}
