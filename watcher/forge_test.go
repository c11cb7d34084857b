package watcher

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// fakeForge is a forge with requests that a test sets. What a look has no use for
// panics: it is that of a nil Client.
type fakeForge struct {
	forge.Client
	open      []forge.Request
	approvals map[int64][]forge.Approval
	// proposed are the requests that are open, and proposals how often one was asked
	// for; unable is why none is opened.
	proposed  []forge.Proposal
	proposals int
	unable    error
	// err is what it answers in the place of everything.
	err error
	// asked and askedApprovals are how often it was.
	asked, askedApprovals int
}

func (f *fakeForge) Name() string                { return "gitea" }
func (f *fakeForge) HeadRef(number int64) string { return fmt.Sprintf("refs/pull/%d/head", number) }

func (f *fakeForge) Requests(context.Context) ([]forge.Request, error) {
	f.asked++
	return f.open, f.err
}

func (f *fakeForge) Approvals(_ context.Context, number int64) ([]forge.Approval, error) {
	f.askedApprovals++
	return f.approvals[number], f.err
}

func (f *fakeForge) Propose(_ context.Context, p forge.Proposal) (string, error) {
	f.proposals++
	if f.unable != nil {
		return "", f.unable
	}
	for i, open := range f.proposed {
		if open.Head == p.Head && open.Base == p.Base {
			return fmt.Sprintf("https://forge.example.com/pulls/%d", i+1), nil
		}
	}
	f.proposed = append(f.proposed, p)
	return fmt.Sprintf("https://forge.example.com/pulls/%d", len(f.proposed)), nil
}

// fakeForges has it for a Repository with spec.forge.
type fakeForges struct{ one *fakeForge }

func (f fakeForges) Client(_ context.Context, repo *v1alpha1.Repository) (forge.Client, error) {
	if repo.Spec.Forge == nil {
		return nil, nil
	}
	return f.one, nil
}

func (fakeForges) Forget(types.UID) {}
