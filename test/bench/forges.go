package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/forgetest"
	"github.com/headway-dev/headway/watcher/forge/gitea"
	"github.com/headway-dev/headway/watcher/forge/github"
	"github.com/headway-dev/headway/watcher/forge/gitlab"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

const (
	idleRepositories = 20
	// idleInterval is that of a Repository, with 10% of jitter, half of which is
	// added on average.
	idleInterval = 30*time.Second + 1500*time.Millisecond
)

// idleForges counts what repositories with open requests ask of their forge in an
// hour in which nothing happens. The looks follow each other at once, and the
// forge is in this process: only their number counts.
func (b *bench) idleForges(ctx context.Context) ([]row, error) {
	detail := map[string]any{"repositories": idleRepositories}
	var all float64
	for _, kind := range []string{github.Name, gitlab.Name, gitea.Name} {
		asked, paid, err := idle(ctx, kind)
		if err != nil {
			return nil, fmt.Errorf("asking %s: %w", kind, err)
		}
		detail[kind] = fmt.Sprintf("%d, of which %d are answered in full", asked, paid)
		if kind == github.Name {
			all = float64(asked)
		}
	}
	return []row{newRow("forge.calls_idle_per_hour", all, detail)}, nil
}

func idle(ctx context.Context, kind string) (asked, paid int, err error) {
	world := forgetest.NewWorld()
	world.Requests = []forgetest.Request{{Number: 1, Title: "Sell more", Author: "ada", Head: "more", SHA: strings.Repeat("a", 40), Base: "main"}}
	var clients []forge.Client
	handlers := map[string]http.Handler{github.Name: world.GitHub(), gitlab.Name: world.GitLab()}
	if kind == gitea.Name {
		handlers[kind] = world.Gitea()
	}
	account := rest.NewAccount(forgetest.Served{Handler: handlers[kind]}, 0)
	site := &url.URL{Scheme: "https", Host: "git.example.com"}
	for range idleRepositories {
		config := rest.Config{Account: account, Auth: rest.Token{Scheme: "Bearer", Value: world.Token}}
		switch kind {
		case github.Name:
			config.Base = github.Base(site)
			clients = append(clients, github.New(config, "acme", "shop"))
		case gitlab.Name:
			config.Base = gitlab.Base(site)
			clients = append(clients, gitlab.New(config, "acme/shop"))
		case gitea.Name:
			config.Base = gitea.Base(site)
			clients = append(clients, gitea.New(config, "acme", "shop"))
		}
	}
	for range time.Hour / idleInterval {
		for _, c := range clients {
			if _, err := c.Requests(ctx); err != nil {
				return 0, 0, err
			}
		}
	}
	for _, line := range world.Log() {
		asked++
		if strings.HasSuffix(line, " 200") {
			paid++
		}
	}
	return asked, paid, nil
}
