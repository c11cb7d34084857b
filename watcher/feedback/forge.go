package feedback

import (
	"context"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
)

// notice takes note of what may be at the forge already, so that it can be taken
// away when it is not wanted any more.
func (m *memory) notice(w Wanted) {
	for _, c := range w.Commits {
		if c.Recent {
			m.commit(c.SHA)
		}
	}
	for _, c := range w.Comments {
		if m.comments[c.Number] == nil {
			m.comments[c.Number] = &toldComment{}
		}
	}
	for _, d := range w.Deployments {
		if _, is := m.environments[d.Environment]; !is {
			m.environments[d.Environment] = forge.Deployment{}
		}
	}
}

// read asks the forge for what is there of what is wanted and not known: once per
// commit with statuses, and once per request.
func (m *memory) read(ctx context.Context, c forge.Client, w Wanted, now time.Time) error {
	for _, commit := range w.Commits {
		told := m.commits[commit.SHA]
		if told == nil || told.read || len(commit.Statuses) == 0 {
			continue
		}
		statuses, err := c.Statuses(ctx, commit.SHA)
		if err != nil && refusesAll(err) {
			return err
		}
		for _, s := range statuses { // of a commit that the forge does not know there are none
			told.statuses[s.Context] = Status{Status: s, Topic: unknownTopic}
		}
		told.read = true
	}
	for i := range w.Comments {
		comment := &w.Comments[i]
		there := m.comments[comment.Number]
		looking := act{comment: comment}
		if until, is := m.refused[looking.key()]; there.read || is && until.After(now) {
			continue
		}
		switch err := there.find(ctx, c, comment.Number); {
		case err != nil && refusesAll(err):
			return err
		case err != nil: // without knowing of one, no second one is made
			m.leaveOut(looking, now)
			continue
		}
		if !sameNews(there.body, comment.Text) || !comment.Final {
			continue
		}
		for _, d := range w.Deployments { // they are told before the comment
			if d.Commit == comment.Commit {
				m.environments[d.Environment] = d.Deployment
			}
		}
	}
	return nil
}

// find looks for the comment of a request.
func (there *toldComment) find(ctx context.Context, c forge.Client, number int64) error {
	id, body, err := c.Comment(ctx, number, marker)
	if err != nil {
		return err
	}
	there.id, there.body, there.read = id, body, true
	return nil
}

// do carries out one act and takes note of it.
func (m *memory) do(ctx context.Context, c forge.Client, a act) error {
	if told := m.commits[a.sha]; told != nil {
		told.writes += a.cost()
	}
	switch {
	case a.status != nil:
		if err := c.SetStatus(ctx, a.sha, a.status.Status); err != nil {
			return err
		}
		m.commits[a.sha].statuses[a.status.Context] = *a.status
	case a.deploy != nil:
		if err := c.Deploy(ctx, a.deploy.Deployment); err != nil {
			return err
		}
		m.environments[a.deploy.Environment] = a.deploy.Deployment
	case a.retire != "":
		if err := c.Retire(ctx, a.retire); err != nil {
			return err
		}
		delete(m.environments, a.retire)
	case a.comment != nil:
		return m.say(ctx, c, a.comment)
	}
	return nil
}

// say writes the comment of a request. Its last words need one that is there.
func (m *memory) say(ctx context.Context, c forge.Client, comment *Comment) error {
	there := m.comments[comment.Number]
	if !there.read {
		if err := there.find(ctx, c, comment.Number); err != nil {
			return err
		}
	}
	last := comment.Text == gone
	if last && there.id == 0 {
		delete(m.comments, comment.Number)
		return nil
	}
	id, err := c.SetComment(ctx, comment.Number, there.id, comment.Text)
	if err != nil {
		return err
	}
	there.id, there.body, there.final = id, comment.Text, comment.Commit
	if last {
		delete(m.comments, comment.Number)
	}
	return nil
}

// leaveOut keeps an act that the forge does not take from being tried again soon.
// What is about a request that is closed is not tried again at all.
func (m *memory) leaveOut(a act, now time.Time) {
	switch {
	case a.retire != "":
		delete(m.environments, a.retire)
	case a.comment != nil && a.comment.Text == gone:
		delete(m.comments, a.comment.Number)
	default:
		m.refused[a.key()] = now.Add(leaveOut)
	}
}
