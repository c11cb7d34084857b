package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Branches of channels that previews have in the place of production's.
const (
	branchKeep = 24 * time.Hour
	branchSize = "64Mi"
	// maxBranches bounds those of one preview.
	maxBranches = 64
	// maxSlug is the longest part of a branch's name in those of channels.
	maxSlug = 24
)

// subscriptions are those of a request's file that its preview has. It has no
// sources, and what goes to a URL is left out: nobody there wants the events of a
// preview.
func (t *tried) subscriptions() []specfile.Object[v1alpha1.SubscriptionSpec] {
	o := t.head.Spec.Objects()
	implied := map[string]bool{}
	for _, c := range o.Channels {
		implied[c.Name] = c.OfApp
	}
	return slices.DeleteFunc(o.Subscriptions, func(s specfile.Object[v1alpha1.SubscriptionSpec]) bool {
		return implied[s.Spec.Channel] || s.Spec.To.URL != ""
	})
}

// channels are all of the namespace that the preview has branches of, sorted: those
// of its subscriptions, and those that it sends to.
func (t *tried) channels() []string {
	var all []string
	for _, s := range t.subscriptions() {
		all = append(all, s.Spec.Channel, s.Spec.To.Channel, s.Spec.Reply, s.Spec.DeadLetter)
	}
	for _, e := range t.spec.Env {
		if name, is := strings.CutPrefix(e.Value, specfile.ChannelScheme); is {
			all = append(all, name)
		}
	}
	for _, name := range t.spec.Sends {
		if !strings.Contains(name, "/") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
}

// suffixOf ends the names of the branches that the previews of a request have, such
// as -pr-12. It is what their Revisions say, as those cannot change; else it gets a
// hash where one of the names is somebody else's, such as another Repository's.
func (f Facts) suffixOf(r *Request, previews []string, tries []*tried) string {
	for _, rev := range f.Revisions {
		if p := rev.Spec.Preview; p != nil && p.ChannelSuffix != "" && slices.Contains(previews, rev.Spec.App) {
			return p.ChannelSuffix
		}
	}
	suffix := fmt.Sprintf("-pr-%d", r.Number)
	if r.Number == 0 {
		branch := strings.TrimPrefix(r.Ref, headsPrefix)
		slug := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(branch), "-"), "-")
		suffix = "-br-" + slug
		if slug != branch || len(slug) > maxSlug {
			slug = strings.TrimRight(slug[:min(len(slug), maxSlug)], "-")
			suffix = strings.TrimRight("-br-"+slug, "-") + "-" + digest(branch)
		}
	}
	taken := f.channelNames(previews)
	for _, t := range tries {
		for _, name := range t.channels() {
			if taken[address.ChannelBranch(name, suffix)] {
				return suffix + "-" + digest(f.UID)
			}
		}
	}
	return suffix
}

// channelNames are those of the namespace that no branch of some previews may have.
func (f Facts) channelNames(previews []string) map[string]bool {
	names := map[string]bool{}
	for name := range f.ForeignChannels {
		names[name] = true
	}
	for name, c := range f.Channels {
		names[name] = !slices.Contains(previews, AppOf(c))
	}
	for _, c := range f.Production.all() {
		if c.Spec != nil {
			for _, declared := range c.Spec.Objects().Channels {
				names[declared.Name] = true
			}
		}
	}
	return names
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:nameDigits]
}

// addEvents gives the previews of a request their branches and subscriptions, and
// copies of production's events where production's file asks for them. A branch that
// several have belongs to the one that it belonged to before, else to the first:
//
//	a subscription to the events of a      to those of its branch
//	    channel, replies, dead letters
//	... to a URL, sources, cron            left out
//	redrive, replay                        left out
//	preview.events: mirror                 also what comes to production's
//	                                       channels from now on, of those that
//	                                       production's file subscribes to
func (s *previews) addEvents(tries []*tried, apps []App, suffix string) {
	branch := func(name string) string {
		if name == "" {
			return ""
		}
		return address.ChannelBranch(name, suffix)
	}
	made, mirrored := map[string]bool{}, map[string]bool{}
	for i, t := range tries {
		for _, name := range t.channels() {
			if at := branch(name); !made[at] {
				made[at] = true
				owner := s.ownerOf(at, apps, i)
				apps[owner].Channels = append(apps[owner].Channels, Channel{at, s.facts.branchOf(name)})
			}
		}
		read := map[string]bool{}
		for _, sub := range t.subscriptions() {
			read[sub.Spec.Channel] = true
			spec := *sub.Spec.DeepCopy()
			spec.Channel, spec.To.Channel, spec.Reply, spec.DeadLetter = branch(spec.Channel), branch(spec.To.Channel), branch(spec.Reply), branch(spec.DeadLetter)
			if spec.To.App != "" {
				spec.To.App = t.name
			}
			spec.Redrive, spec.Replay = nil, nil
			name := fit(t.name + strings.TrimPrefix(sub.Name, t.head.Name))
			apps[i].Subscriptions = append(apps[i].Subscriptions, Subscription{name, spec})
		}
		if !t.production.Spec.Preview.Mirror {
			continue
		}
		for _, sub := range (&tried{wish: wish{head: t.production}}).subscriptions() {
			if from := sub.Spec.Channel; read[from] && !mirrored[from] {
				mirrored[from] = true
				apps[i].Subscriptions = append(apps[i].Subscriptions, Subscription{fit(t.name + "-mirror-" + from), specfile.NewSubscription(from, branch(from))})
			}
		}
	}
}

// ownerOf is the preview, of those that are planned, to which a branch belongs.
func (s *previews) ownerOf(branch string, apps []App, first int) int {
	if c := s.facts.Channels[branch]; c != nil {
		if at := slices.IndexFunc(apps, func(a App) bool { return a.Name == AppOf(c) }); at >= 0 {
			return at
		}
	}
	return first
}

// branchOf is the branch of a channel. Within the cluster, those may send to it that
// may send to the channel, as production's file says; from outside nobody.
func (f Facts) branchOf(channel string) v1alpha1.ChannelSpec {
	spec := specfile.NewChannel(branchKeep, branchSize)
	for _, c := range f.Production.all() {
		if c.Spec == nil || c.Problem != nil {
			continue
		}
		for _, declared := range c.Spec.Channels {
			if declared.Name == channel {
				spec.MaxEvent, spec.Dedupe = declared.Spec.MaxEvent, declared.Spec.Dedupe
				if a := declared.Spec.Access; a != nil && a.Token {
					spec.Access = &v1alpha1.ChannelAccess{Token: true}
				}
			}
		}
	}
	return spec
}

// fit cuts the name of an object that is too long, and gives it a hash.
func fit(name string) string {
	if len(name) <= v1alpha1.MaxEventingName {
		return name
	}
	end := "-" + digest(name)
	return strings.TrimRight(name[:v1alpha1.MaxEventingName-len(end)], "-") + end
}
