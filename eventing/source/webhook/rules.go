package webhook

import "strings"

// rule says where the attributes of an event are in its body: paths as of
// document.text. What it leaves out is as in general.
type rule struct {
	// name in the type, where it is not the forge's.
	name string
	// suffix of the type and source: where there are several paths with slashes in
	// between, their values follow each other after full stops, or after slashes.
	suffix, source string
	subject, time  string
	// cut shortens the source.
	cut func(string) string
}

// none is a part of a rule that the event has not.
const none = "-"

// general is the rule of events without one of their own: also of those that the
// forge has invented since this was written.
var general = rule{
	suffix:  "action",
	source:  "repository.url|repository.html_url|repository.homepage|project.web_url|organization.url|sender.url",
	subject: none,
	time:    none,
}

// gitHub are the rules of the CloudEvents specification, in its
// cloudevents/adapters/github.md. Where that asks, the answer is: deployments have
// no suffix, statuses have their state. Gitea and Forgejo send bodies of the same
// shape.
var gitHub = map[string]rule{
	"check_run":                      {subject: "check_run.id", time: "check_run.completed_at|check_run.started_at"},
	"check_suite":                    {subject: "check_suite.id", time: "check_suite.updated_at"},
	"commit_comment":                 {source: "comment.url/comment.commit_id", subject: "comment.id", time: "comment.updated_at"},
	"content_reference":              {subject: "content_reference.id"},
	"create":                         {suffix: "ref_type", subject: "ref"},
	"delete":                         {suffix: "ref_type", subject: "ref"},
	"deploy_key":                     {subject: "key.id", time: "key.deleted_at|key.created_at"},
	"deployment":                     {suffix: none, subject: "deployment.id", time: "deployment.updated_at"},
	"deployment_status":              {suffix: "deployment_status.state", source: "deployment.url", subject: "deployment_status.url", time: "deployment_status.updated_at"},
	"fork":                           {suffix: none, subject: "forkee.url", time: "forkee.created_at"},
	"github_app_authorization":       {suffix: none, source: "sender.url"},
	"gollum":                         {suffix: none},
	"installation":                   {source: "installation.account.url", subject: "installation.id", time: "installation.updated_at"},
	"installation_repositories":      {name: "installation_repository", source: "installation.account.url", subject: "installation.id", time: "installation.updated_at"},
	"issue_comment":                  {source: "issue.url", subject: "comment.id", time: "comment.updated_at"},
	"issues":                         {name: "issue", subject: "issue.number", time: "issue.updated_at"},
	"label":                          {subject: "label.name"},
	"marketplace_purchase":           {source: "sender.url", cut: cutLast, subject: "marketplace_purchase.account.login", time: "effective_date"},
	"member":                         {subject: "member.login"},
	"membership":                     {suffix: "scope/action", source: "team.url", subject: "member.login"},
	"meta":                           {subject: "hook_id", time: "hook.updated_at"},
	"milestone":                      {subject: "milestone.number", time: "milestone.updated_at"},
	"org_block":                      {source: "organization.url", subject: "blocked_user.login"},
	"organization":                   {source: "organization.url", subject: "membership.user.login"},
	"page_build":                     {suffix: none, subject: "build.url", time: "pusher.updated_at"},
	"project":                        {subject: "project.id", time: "project.updated_at"},
	"project_card":                   {subject: "project_card.id", time: "project_card.updated_at"},
	"project_column":                 {subject: "project_column.id", time: "project_column.updated_at"},
	"public":                         {suffix: none, source: "repository.owner.url", subject: "repository.name", time: "repository.updated_at"},
	"pull_request":                   {subject: "number", time: "pull_request.updated_at"},
	"pull_request_review":            {source: "pull_request.url", subject: "review.id", time: "review.submitted_at"},
	"pull_request_review_comment":    {source: "pull_request.url", subject: "comment.id", time: "pull_request.updated_at"},
	"push":                           {suffix: none, subject: "ref"},
	"registry_package":               {subject: "registry_package.html_url", time: "registry_package.updated_at"},
	"release":                        {subject: "release.id", time: "release.published_at|release.created_at"},
	"repository":                     {source: "repository.owner.url", subject: "repository.name", time: "repository.updated_at"},
	"repository_import":              {suffix: none, source: "repository.owner.url", subject: "repository.name", time: "repository.updated_at"},
	"repository_vulnerability_alert": {subject: "alert.id"},
	"security_advisory":              {source: none, subject: "security_advisory.ghsa_id", time: "security_advisory.updated_at"},
	"star":                           {time: "starred_at"},
	"status":                         {suffix: "state", subject: "sha", time: "updated_at"},
	"team":                           {subject: "team.id", time: "updated_at"},
	"team_add":                       {subject: "team.id"},
}

// gitLab are those of its gitlab.md, by the object_kind of a body.
var gitLab = map[string]rule{
	"push":          {suffix: none, source: "repository.homepage", subject: "checkout_sha"},
	"tag_push":      {suffix: none, source: "repository.homepage", subject: "ref"},
	"issue":         {suffix: "object_attributes.state", source: "repository.homepage", subject: "object_attributes.iid"},
	"note":          {suffix: "object_attributes.noteable_type", source: "commit.url|object_attributes.url", cut: cutFragment, subject: "object_attributes.id", time: "object_attributes.created_at"},
	"merge_request": {suffix: "object_attributes.action", source: "repository.homepage", subject: "object_attributes.iid", time: "object_attributes.created_at"},
	"wiki_page":     {suffix: "object_attributes.action", source: "project.web_url", subject: "object_attributes.slug"},
	"pipeline":      {suffix: "object_attributes.status", source: "project.web_url", subject: "object_attributes.id"},
	"build":         {name: "job", suffix: "build_status", source: "repository.homepage", subject: "build_id"},
}

// cutLast leaves out the last part of a path.
func cutLast(url string) string {
	if i := strings.LastIndexByte(url, '/'); i > 0 {
		return url[:i]
	}
	return url
}

func cutFragment(url string) string {
	before, _, _ := strings.Cut(url, "#")
	return before
}
