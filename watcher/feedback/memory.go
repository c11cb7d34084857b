package feedback

import (
	"strings"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
)

const (
	// maxWrites per commit in each span: 6 for a commit that is pushed, built and
	// answers, as many as a project of the size of Tekton can live with
	// (tektoncd/pipelines-as-code#2379). What is told later than that, such as a
	// preview that fails after a day, has as many again.
	maxWrites = 6
	span      = time.Hour
	// unknownTopic is that of a status that was read from the forge.
	unknownTopic = "\x00"
)

// memory is what is known to be at the forge of one Repository. All of it but what
// is closed can be read again. One reconciliation at a time uses it.
type memory struct {
	commits      map[string]*toldCommit
	comments     map[int64]*toldComment
	environments map[string]forge.Deployment
	// refused are writes that the forge does not take, by their keys, and until
	// when they are left out.
	refused map[string]time.Time
}

type toldCommit struct {
	read     bool
	statuses map[string]Status
	// writes since a time, about an attempt.
	writes  int
	since   time.Time
	attempt string
}

type toldComment struct {
	read bool
	// id is 0 where there is none.
	id   int64
	body string
	// final is the commit whose result the body has.
	final string
}

func newMemory() *memory {
	return &memory{
		commits: map[string]*toldCommit{}, comments: map[int64]*toldComment{},
		environments: map[string]forge.Deployment{}, refused: map[string]time.Time{},
	}
}

func (m *memory) commit(sha string) *toldCommit {
	if m.commits[sha] == nil {
		m.commits[sha] = &toldCommit{statuses: map[string]Status{}}
	}
	return m.commits[sha]
}

// left is how many writes a commit has.
func (c *toldCommit) left(attempt string, now time.Time) int {
	if c.attempt != attempt || now.Sub(c.since) >= span {
		c.attempt, c.writes, c.since = attempt, 0, now
	}
	return maxWrites - c.writes
}

// differs reports whether a status is to be written. One that stays in its state is
// written anew for another topic, and for another URL of a preview.
func (c *toldCommit) differs(s Status) bool {
	told, is := c.statuses[s.Context]
	moved := told.URL != s.URL && s.State == forge.Success && strings.HasPrefix(s.Context, contextPreview)
	return !is || told.State != s.State || moved || told.Topic != s.Topic && told.Description != s.Description
}

// settled reports whether a status has been told that is a result, and stays.
func (c *toldCommit) settled(s Status) bool {
	told, is := c.statuses[s.Context]
	return is && s.State != forge.Pending && told.State == s.State
}

// obsolete are the contexts that are pending, and that nothing will end.
func (c *toldCommit) obsolete(wanted []Status) []Status {
	var all []Status
	for context, told := range c.statuses {
		has := false
		for _, s := range wanted {
			has = has || s.Context == context
		}
		if !has && told.State == forge.Pending {
			s := status(forge.Success, "", notNeeded)
			s.Context, s.URL = context, told.URL
			all = append(all, s)
		}
	}
	return all
}
