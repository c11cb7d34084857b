package forgetest

import (
	"net/http"
	"slices"
	"strconv"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// GitLab answers as GitLab does. The project has the id 7, the fork 8.
func (w *World) GitLab() http.Handler {
	mux := http.NewServeMux()
	const project = "/api/v4/projects/7"
	user := func(login string) object {
		return object{"id": id(login), "username": login, "name": login, "state": "active"}
	}
	w.handle(mux, "GET /api/v4/user", func(*http.Request, object) reply { return ok(user(w.Self)) })
	w.handle(mux, "GET /api/v4/personal_access_tokens/self", func(*http.Request, object) reply {
		return ok(object{"scopes": []string{"api"}, "revoked": false})
	})
	w.handle(mux, "GET /api/v4/projects/{path}", func(r *http.Request, _ object) reply {
		if r.PathValue("path") != "acme/shop" {
			return missing()
		}
		return ok(object{"id": 7, "path_with_namespace": "acme/shop", "permissions": object{"project_access": object{"access_level": 40}, "group_access": nil}})
	})
	w.handle(mux, "GET "+project+"/merge_requests", func(r *http.Request, _ object) reply {
		list := []object{}
		for _, p := range w.open() {
			list = append(list, mergeRequest(user, p))
		}
		return pages(r, list, "per_page")
	})
	w.handle(mux, "POST "+project+"/merge_requests", func(_ *http.Request, in object) reply {
		p := Request{Number: w.next(), Title: text(in, "title"), Author: w.Self, Head: text(in, "source_branch"), Base: text(in, "target_branch")}
		w.Requests = append(w.Requests, p)
		return reply{status: 201, body: mergeRequest(user, p)}
	})
	w.handle(mux, "GET "+project+"/members/all/{id}", func(r *http.Request, _ object) reply {
		for login, role := range w.Roles {
			if itoa(id(login)) == r.PathValue("id") {
				return ok(object{"id": id(login), "username": login, "state": "active", "access_level": map[string]int{"admin": 40, "write": 30, "read": 20}[role]})
			}
		}
		return missing()
	})
	w.handle(mux, "GET /api/v4/users/{id}", func(r *http.Request, _ object) reply {
		bot := slices.ContainsFunc(w.Bots, func(login string) bool { return itoa(id(login)) == r.PathValue("id") })
		return ok(object{"id": number(r, "id"), "bot": bot})
	})
	w.notes(mux, project, user)
	w.pipelines(mux)
	return mux
}

func mergeRequest(user func(string) object, p Request) object {
	o := object{
		"id": p.Number + 1000, "iid": p.Number, "title": p.Title, "author": user(p.Author), "draft": p.Draft, "labels": []string{"bug"},
		"source_branch": p.Head, "target_branch": p.Base, "sha": p.SHA, "source_project_id": 7, "target_project_id": 7,
		"web_url": "https://git.example.com/acme/shop/-/merge_requests/" + itoa(p.Number), "updated_at": "2026-11-27T12:00:00.413Z", "merged_at": nil,
	}
	switch {
	case p.Gone:
		o["source_project_id"] = nil
	case p.Fork, p.AGit:
		o["source_project_id"] = 8
	}
	if p.SHA == "" {
		o["sha"] = nil
	}
	return o
}

func (w *World) notes(mux *http.ServeMux, project string, user func(string) object) {
	show := func(c Comment) object {
		return object{"id": c.ID, "body": c.Body, "author": user(c.By), "system": c.By == "system", "created_at": c.At, "updated_at": c.At}
	}
	w.handle(mux, "GET "+project+"/merge_requests/{n}/notes", func(r *http.Request, _ object) reply {
		list := []object{}
		for _, c := range w.Comments[number(r, "n")] {
			list = append(list, show(c))
		}
		if r.URL.Query().Get("sort") == "desc" {
			slices.Reverse(list)
		}
		return pages(r, list, "per_page")
	})
	w.handle(mux, "POST "+project+"/merge_requests/{n}/notes", func(r *http.Request, in object) reply {
		c := Comment{ID: w.next(), By: w.Self, Body: text(in, "body")}
		w.Comments[number(r, "n")] = append(w.Comments[number(r, "n")], c)
		return reply{status: 201, body: show(c)}
	})
	w.handle(mux, "PUT "+project+"/merge_requests/{n}/notes/{id}", func(r *http.Request, in object) reply {
		body := text(in, "body")
		c, found := w.edit(number(r, "id"), &body)
		if !found {
			return missing()
		}
		return ok(show(c))
	})
	w.handle(mux, "DELETE "+project+"/merge_requests/{n}/notes/{id}", func(r *http.Request, _ object) reply {
		if _, found := w.edit(number(r, "id"), nil); !found {
			return missing()
		}
		return reply{status: http.StatusNoContent}
	})
}

// pipelines are what GitLab hangs statuses on. The token may not set any in the
// fork.
func (w *World) pipelines(mux *http.ServeMux) {
	w.handle(mux, "POST /api/v4/projects/{project}/statuses/{sha}", func(r *http.Request, in object) reply {
		if r.PathValue("project") != "7" {
			return reply{status: 403, body: object{"message": "403 Forbidden"}}
		}
		sha, pipeline := r.PathValue("sha"), int64(0)
		if given, ok := in["pipeline_id"].(float64); ok {
			pipeline = int64(given)
		}
		for _, s := range w.Statuses[sha] {
			if s.Context == text(in, "name") && s.State == text(in, "state") && s.State == "pending" {
				return reply{status: 400, body: object{"message": `Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")`}}
			}
		}
		if pipeline == 0 {
			pipeline = w.next()
		}
		s := Status{ID: w.next(), Context: text(in, "name"), State: text(in, "state"), Description: text(in, "description"), URL: text(in, "target_url"), Pipeline: pipeline}
		w.Statuses[sha] = append(w.Statuses[sha], s)
		return reply{status: 201, body: object{"id": s.ID, "pipeline_id": s.Pipeline}}
	})
	w.handle(mux, "GET /api/v4/projects/{project}/repository/commits/{sha}/statuses", func(r *http.Request, _ object) reply {
		list := []object{}
		if r.PathValue("project") == "7" {
			for _, s := range w.Statuses[r.PathValue("sha")] {
				list = append(list, object{"id": s.ID, "name": s.Context, "status": s.State, "description": s.Description, "target_url": s.URL, "pipeline_id": s.Pipeline})
			}
		}
		return pages(r, list, "per_page")
	})
}
