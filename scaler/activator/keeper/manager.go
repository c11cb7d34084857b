package keeper

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

const (
	// askEvery is the pause between two rounds of questions.
	askEvery = 20 * time.Millisecond
	// silence is how long a member may leave questions unanswered until it is
	// taken for dead. Its requests have ended with it.
	silence = 5 * time.Second
)

// Manager gives each revision with a limit its role in this activator.
type Manager struct {
	// Self is the name of this activator's pod.
	Self string
	// Tables has the revisions.
	Tables *atomic.Pointer[table.Table]
	// Ask asks a member what it holds of a revision.
	Ask func(ctx context.Context, m Member, key table.Key) (Held, error)
	// PeerPort is where members take requests that are sent on.
	PeerPort string
	Logger   *slog.Logger

	mu      sync.Mutex
	known   bool // members
	members []Member
	roles   map[*backend.Revision]*tenure
}

// Held is what a member says of a revision.
type Held struct {
	// Mine is true if the member gives out pods, or is about to.
	Mine bool `json:"mine"`
	// InFlight is how many requests of each pod it has, by UID.
	InFlight map[string]int `json:"inFlight"`
}

// tenure is the time in which a revision has the same keeper.
type tenure struct {
	keeper Member
	end    context.CancelFunc // of taking over; nil for another's
}

// SetMembers tells which activators live. No revision has a role before the
// first call.
func (m *Manager) SetMembers(members []Member) {
	m.mu.Lock()
	m.members, m.known = members, true
	m.mu.Unlock()
	m.Assign()
}

// Assign gives roles to revisions that are new or whose keeper has changed.
// Call it after the table has changed.
func (m *Manager) Assign() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.known {
		return
	}
	roles := make(map[*backend.Revision]*tenure, len(m.roles))
	for rev := range m.Tables.Load().Revisions() {
		if rev.Limit == 0 {
			continue
		}
		keeper := Choose(m.members, m.Self, table.Key{Namespace: rev.Namespace, Name: rev.Name})
		old := m.roles[rev]
		if old != nil && old.keeper.Name == keeper.Name && old.keeper.IP == keeper.IP {
			roles[rev] = old
			continue
		}
		if old != nil && old.end != nil {
			old.end()
		}
		roles[rev] = m.assign(rev, keeper)
	}
	for rev, t := range m.roles {
		if roles[rev] == nil && t.end != nil {
			t.end() // the revision is gone
		}
	}
	m.roles = roles
}

func (m *Manager) assign(rev *backend.Revision, keeper Member) *tenure {
	if keeper.Name != m.Self {
		rev.Forward(keeper.Name, net.JoinHostPort(keeper.IP, m.PeerPort))
		return &tenure{keeper: keeper}
	}
	rev.TakeOver()
	ctx, end := context.WithCancel(context.Background())
	go m.takeOver(ctx, rev)
	return &tenure{keeper: keeper, end: end}
}

// Close ends all that is under way.
func (m *Manager) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.roles {
		if t.end != nil {
			t.end()
		}
	}
	m.roles = nil
}

// takeOver asks the other members until none keeps the revision, gives out
// pods from then on, and goes on asking until none has a request in flight.
func (m *Manager) takeOver(ctx context.Context, rev *backend.Revision) {
	key := table.Key{Namespace: rev.Namespace, Name: rev.Name}
	quiets := map[string]*quiet{}
	keeps := false
	for {
		mine, inFlight := m.askAll(ctx, key, quiets)
		if !mine || keeps { // one that has let go does not begin again while we keep
			m.mu.Lock()
			if ctx.Err() != nil {
				m.mu.Unlock()
				return
			}
			rev.Keep(inFlight)
			m.mu.Unlock()
			keeps = true
			if len(inFlight) == 0 {
				return
			}
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return
		}
	}
}

// askAll asks every other member. mine is true if one of them keeps the
// revision, or might.
func (m *Manager) askAll(ctx context.Context, key table.Key, quiets map[string]*quiet) (mine bool, inFlight map[string]int) {
	m.mu.Lock()
	members := m.members
	m.mu.Unlock()
	inFlight = map[string]int{}
	for _, member := range members {
		if member.Name == m.Self {
			continue
		}
		held, err := m.Ask(ctx, member, key)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue // no process, no requests: it listens before it has any
		}
		if err != nil {
			mine = !m.dead(quiets, member, err) || mine
			continue
		}
		delete(quiets, member.Name)
		mine = mine || held.Mine
		for uid, n := range held.InFlight {
			inFlight[uid] += n
		}
	}
	return mine, inFlight
}

// quiet is a member that does not answer.
type quiet struct {
	since time.Time
	dead  bool
}

// dead reports whether a member that does not answer has done so for too long.
func (m *Manager) dead(quiets map[string]*quiet, member Member, err error) bool {
	q := quiets[member.Name]
	if q == nil {
		q = &quiet{since: time.Now()}
		quiets[member.Name] = q
	}
	if !q.dead && time.Since(q.since) >= silence {
		q.dead = true
		m.Logger.Warn("taking an activator for dead", "activator", member.Name, "error", err)
	}
	return q.dead
}
