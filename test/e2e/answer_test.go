//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/test/localcluster"
)

// url is how people reach an app of the team.
func (tm *team) url(app string) string { return localcluster.URL(app, tm.namespace) }

// wantAnswer waits until the URL answers 200 with the text. What a status says
// is true on the activators a moment later, so the moment is short.
func (tm *team) wantAnswer(url, text string) {
	tm.Helper()
	eventually(tm.T, moment, url+" answers "+strconv.Quote(text), func() error {
		return tm.answers(url, http.StatusOK, text)
	})
}

// answers is an error unless the URL answers with the status and the text.
func (tm *team) answers(url string, status int, text string) error {
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	got, err := localcluster.Fetch(tm.Context(), web, url)
	if err != nil {
		return err
	}
	if got.Status != status || !strings.Contains(got.Body, text) {
		return fmt.Errorf("%s answers %d %q, want %d with %q", url, got.Status, got.Body, status, text)
	}
	return nil
}
