"""What is written: a draft that is not lost, and posts that appear where they belong."""

EDIT = """
import { button, found, listened } from "./document.js";
import { html, render } from "./preact-htm.js";
import { me } from "./state.js";
import { Compose, Outbox, outbox } from "./compose.js";
me.set({ id: 1, username: "ann" });
outbox.set([{ key: "key", content: "failed", createdAt: "2026-01-01T00:00:00Z", author: 1, problem: "No." }]);
render(html`<${Compose} /><${Outbox} />`, document.body);
const [field] = document.body.all("textarea");
const edit = await button("Edit");
await found(() => listened.has("edit-post"));
for (const draft of DRAFTS) {
  field.value = draft;
  field.act("input");
  await found(() => document.body.text.includes(`${500 - draft.length} left`));
}
edit.act("click");
await found(() => field.value.includes("failed"));
console.log(JSON.stringify(field.value));
process.exit();
"""


def test_a_draft_is_not_lost_when_a_post_that_failed_is_edited(run_script):
    assert run_script(EDIT.replace("DRAFTS", '["x", "a draft"]')) == "failed\na draft"


def test_without_a_draft_it_is_the_post_alone(run_script):
    assert run_script(EDIT.replace("DRAFTS", '["x", ""]')) == "failed"
