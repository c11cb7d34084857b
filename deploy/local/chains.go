package main

import (
	"context"
	"os/exec"
	"slices"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
)

// ourPrefixes begin the names of the packet filter's chains that end with the
// cluster: our own, those of kube-proxy and the kubelet, and those of CNI plugins.
var ourPrefixes = []string{"HEADWAY-", "KUBE-", "CNI-"}

func ourChain(name string) bool {
	return slices.ContainsFunc(ourPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// removeChains removes our chains and the rules that lead into them.
func removeChains(ctx context.Context, _ *cluster, s *report) error {
	removed := 0
	for _, family := range []string{"iptables", "ip6tables"} {
		saved, err := savedRules(ctx, family)
		if err != nil {
			return err
		}
		script, chains := removalScript(saved)
		removed += chains
		if chains == 0 {
			continue
		}
		if err := call(ctx, script, family+"-restore", "-w", "--noflush"); err != nil {
			return err
		}
	}
	s.result("%d chains removed", removed)
	return nil
}

// savedRules is what iptables-save prints; nothing when the machine has no such
// program, or no such protocol.
func savedRules(ctx context.Context, family string) (string, error) {
	path, err := exec.LookPath(family + "-save")
	if err != nil {
		return "", nil
	}
	return command.Output(exec.CommandContext(ctx, path))
}

// removalScript writes the input for iptables-restore --noflush that removes our
// chains, and counts them. The rules of others stay.
func removalScript(saved string) (script string, chains int) {
	var out strings.Builder
	var rules, names []string
	for line := range strings.Lines(saved) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			rules, names = nil, nil
			out.WriteString(line + "\n")
		case strings.HasPrefix(line, ":"):
			if name, _, _ := strings.Cut(line[1:], " "); ourChain(name) {
				names = append(names, name)
			}
		case strings.HasPrefix(line, "-A "):
			if rule := line[len("-A "):]; leadsIntoOurs(rule) {
				rules = append(rules, rule)
			}
		case line == "COMMIT":
			// Naming a chain empties it, after which nothing refers to another.
			for _, name := range names {
				out.WriteString(":" + name + " - [0:0]\n")
			}
			for _, rule := range rules {
				out.WriteString("-D " + rule + "\n")
			}
			for _, name := range names {
				out.WriteString("-X " + name + "\n")
			}
			out.WriteString("COMMIT\n")
			chains += len(names)
		}
	}
	return out.String(), chains
}

// leadsIntoOurs reports whether a rule of a chain of others jumps into one of ours.
func leadsIntoOurs(rule string) bool {
	fields := strings.Fields(rule)
	if len(fields) == 0 || ourChain(fields[0]) {
		return false
	}
	for i, field := range fields[:len(fields)-1] {
		if (field == "-j" || field == "-g") && ourChain(fields[i+1]) {
			return true
		}
	}
	return false
}
