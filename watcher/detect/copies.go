package detect

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// copied is what a COPY or ADD of a Dockerfile takes from the build context.
type copied struct {
	line   int
	source string
}

// stage is one FROM of a Dockerfile and what follows it.
type stage struct {
	name, base string
	// uses are the stages, by name or number, and images that it copies from
	// or mounts.
	uses   []string
	copies []copied
}

var (
	heredoc   = regexp.MustCompile(`<<-?["']?([A-Za-z_][A-Za-z0-9_]*)["']?`)
	mountFrom = regexp.MustCompile(`--mount=\S*\bfrom=([^\s,]+)`)
	asName    = regexp.MustCompile(`(?i)^(\S+)\s+AS\s+(\S+)`)
)

// copiesOf are the sources of the COPY and ADD instructions that a build of
// target carries out; "" is the last stage. Sources that only a build knows are
// left out: those with a variable, and those of other stages, of heredocs and
// of the network.
func copiesOf(dockerfile []byte, target string) []copied {
	stages := parseStages(dockerfile)
	if len(stages) == 0 {
		return nil
	}
	last := len(stages) - 1
	if i := findStage(stages, target); i >= 0 {
		last = i
	}
	var found []copied
	seen := map[int]bool{}
	for queue := []int{last}; len(queue) > 0; queue = queue[1:] {
		i := queue[0]
		if seen[i] {
			continue
		}
		seen[i] = true
		found = append(found, stages[i].copies...)
		for _, name := range append([]string{stages[i].base}, stages[i].uses...) {
			if used := findStage(stages[:i], name); used >= 0 {
				queue = append(queue, used)
			}
		}
	}
	slices.SortFunc(found, func(a, b copied) int { return a.line - b.line })
	return found
}

// findStage finds a stage by its name or number; -1 when there is none.
func findStage(stages []stage, name string) int {
	for i := len(stages) - 1; i >= 0; i-- {
		if name != "" && (strings.EqualFold(stages[i].name, name) || name == strconv.Itoa(i)) {
			return i
		}
	}
	return -1
}

func parseStages(dockerfile []byte) []stage {
	var stages []stage
	for _, in := range instructions(string(dockerfile)) {
		if in.name == "FROM" {
			base, name := in.rest, ""
			if m := asName.FindStringSubmatch(in.rest); m != nil {
				base, name = m[1], m[2]
			}
			stages = append(stages, stage{name: name, base: base})
			continue
		}
		if len(stages) == 0 {
			continue
		}
		at := &stages[len(stages)-1]
		switch in.name {
		case "RUN":
			for _, m := range mountFrom.FindAllStringSubmatch(strings.Join(in.flags, " "), -1) {
				at.uses = append(at.uses, m[1])
			}
		case "COPY", "ADD":
			if from := flagValue(in.flags, "--from="); from != "" {
				at.uses = append(at.uses, from)
				continue
			}
			for _, source := range copySources(in.rest) {
				at.copies = append(at.copies, copied{in.line, source})
			}
		}
	}
	return stages
}

func flagValue(flags []string, name string) string {
	for _, f := range flags {
		if value, ok := strings.CutPrefix(f, name); ok {
			return value
		}
	}
	return ""
}

// copySources are the arguments of a COPY or ADD but the last, in either form.
func copySources(rest string) []string {
	var args []string
	if !strings.HasPrefix(rest, "[") || json.Unmarshal([]byte(rest), &args) != nil {
		args = strings.Fields(rest)
	}
	if len(args) < 2 {
		return nil
	}
	return slices.DeleteFunc(args[:len(args)-1], func(source string) bool {
		return strings.Contains(source, "$") || strings.HasPrefix(source, "<<") || strings.Contains(source, "://") || strings.HasPrefix(source, "git@")
	})
}

// instruction of a Dockerfile. Its name is in upper case; rest is what follows
// the flags.
type instruction struct {
	line  int
	name  string
	flags []string
	rest  string
}

// instructions splits a Dockerfile. Lines that go on are joined; comments and
// the texts of heredocs are left out.
func instructions(dockerfile string) []instruction {
	var out []instruction
	lines := strings.Split(strings.ReplaceAll(dockerfile, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first, text, goesOn := i+1, "", true
		for ; goesOn && i < len(lines); i++ {
			part := strings.TrimSpace(lines[i])
			if strings.HasPrefix(part, "#") || part == "" {
				if text == "" {
					break
				}
				continue
			}
			part, goesOn = strings.CutSuffix(part, `\`)
			text += part + " "
		}
		if text == "" {
			continue
		}
		i--
		name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		in := instruction{line: first, name: strings.ToUpper(name), rest: strings.TrimSpace(rest)}
		for strings.HasPrefix(in.rest, "--") {
			flag, after, _ := strings.Cut(in.rest, " ")
			in.flags, in.rest = append(in.flags, flag), strings.TrimSpace(after)
		}
		if in.name == "RUN" || in.name == "COPY" || in.name == "ADD" {
			for _, m := range heredoc.FindAllStringSubmatch(in.rest, -1) {
				for i++; i < len(lines) && strings.TrimSpace(lines[i]) != m[1]; i++ {
				}
			}
		}
		out = append(out, in)
	}
	return out
}
