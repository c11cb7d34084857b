package dockerfile

import (
	"regexp"
	"strings"
)

// solveError is the cause of a build that BuildKit gave up: the place in the
// Dockerfile, the instruction and what went wrong there. BuildKit prints
//
//	Dockerfile:3
//	--------------------
//	   2 |
//	   3 | >>> RUN npm run build
//	   4 |
//	--------------------
//	error: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
type solveError struct {
	place       string
	instruction string
	problem     string
	last        string // the last line as it came
}

var (
	placeLine       = regexp.MustCompile(`^[^\s#][^\s]*:\d+$`)
	instructionLine = regexp.MustCompile(`^ +\d+ \| >>> (.*\S)`)
	problemLine     = regexp.MustCompile(`(?i)^error: (?:failed to solve: )?(.+)`)
	process         = regexp.MustCompile(`^process ".*" did not complete successfully: exit code: (\d+)$`)
)

// Line takes the next line of buildctl.
func (s *solveError) Line(line string) {
	s.last = line
	if placeLine.MatchString(line) {
		*s = solveError{place: line, last: line}
		return
	}
	if found := instructionLine.FindStringSubmatch(line); found != nil && s.instruction == "" {
		s.instruction = strings.TrimSpace(strings.TrimSuffix(found[1], `\`))
	}
	if found := problemLine.FindStringSubmatch(line); found != nil {
		s.problem = found[1]
	}
}

func (s *solveError) String() string {
	problem := process.ReplaceAllString(s.problem, "exit code $1")
	if problem == "" || s.place == "" || s.instruction == "" {
		return problem
	}
	return s.place + ": " + s.instruction + ": " + problem
}
