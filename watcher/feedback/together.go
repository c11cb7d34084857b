package feedback

import (
	"fmt"

	"github.com/headway-dev/headway/watcher/forge"
)

// maxOwn is how many apps of one commit have statuses of their own. Those of more
// apps are told together, as otherwise they would not fit into maxWrites.
const maxOwn = 2

// group are the statuses of one kind that a commit has for its apps.
type group struct {
	// kind is what their contexts begin with; done the word for a success.
	kind, done string
	// url for those that have none, and for all of them together.
	url  string
	many bool
	own  []ofApp
}

type ofApp struct {
	app string
	Status
}

func (g *group) add(app string, s Status) {
	s.Context = g.kind + "/" + app
	if s.URL == "" {
		s.URL = g.url
	}
	g.own = append(g.own, ofApp{app, s})
}

// statuses of the apps, or one for all of them: the worst, with the first app that
// is so. total is how many apps there are, some of which may not be known yet.
func (g *group) statuses(total int) []Status {
	var all []Status
	if !g.many {
		for _, s := range g.own {
			all = append(all, s.Status)
		}
		return all
	}
	counts, first := map[forge.State]int{}, map[forge.State]ofApp{}
	for _, s := range g.own {
		if counts[s.State]++; counts[s.State] == 1 {
			first[s.State] = s
		}
	}
	s := status(forge.Success, "", fmt.Sprintf("all %d apps are %s", total, g.done))
	switch failed := first[forge.Failure]; {
	case counts[forge.Failure] > 0:
		s = status(forge.Failure, "", fmt.Sprintf("%d of %d apps failed; %s: %s", counts[forge.Failure], total, failed.app, failed.Description))
	case counts[forge.Success] < total:
		s = status(forge.Pending, "", fmt.Sprintf("%d of %d apps are %s", counts[forge.Success], total, g.done))
	}
	s.Context, s.URL = g.kind, g.url
	return []Status{s}
}
