//! The body of a search: its schema and its parser, which accepts more than the schema says.

use guildhall_domain::search::{Field, Listing};
use utoipa::openapi::schema::{AnyOfBuilder, Array, SchemaType};
use utoipa::openapi::{ArrayBuilder, Object, ObjectBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::conditions::ConditionReader;
use super::cost::Costs;
use super::json_node::JsonNode;
use super::{ListingRequest, order};
use crate::body::object::JsonObject;
use crate::respond::cursor::{Binding, CURSOR};
use crate::respond::page::{self, PageRequest};
use crate::respond::problem::Problem;

/// What is wanted of users. Other properties are ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", examples(json!({
    "pageIndex": 0,
    "pageSize": 50,
    "where": [{ "or": [
        { "field": "username", "contains": "tyler" },
        { "field": "email", "contains": "tyler" },
    ] }],
    "orderBy": [{ "desc": "created" }],
})))]
#[expect(dead_code, reason = "its fields only describe what `ListingRequest::search_by_body` reads")]
pub(crate) struct UserSearch {
    #[schema(schema_with = page_index)]
    page_index: Option<()>,
    #[schema(schema_with = page_size)]
    page_size: Option<()>,
    #[schema(schema_with = cursor)]
    cursor: Option<()>,
    /// Only those that have this text in first and last name, username or email address.
    #[schema(max_length = 8000)]
    q: Option<String>,
    /// Only those that this ZenQL query describes. Its `ORDER BY` counts before any other order.
    zenql: Option<String>,
    #[schema(schema_with = optional_conditions)]
    r#where: Option<()>,
    #[schema(schema_with = optional_order)]
    order_by: Option<()>,
    #[schema(schema_with = optional_order)]
    order: Option<()>,
}

/// The properties that decide what a listing holds and in which order.
const LISTING: [&str; 5] = ["q", "zenql", "where", "order", "orderBy"];

impl ListingRequest<'_> {
    /// Parses the body of a search (contract 4.2). `path` is what cursors are bound to beside the body.
    pub(crate) fn search_by_body<F: Field>(
        self,
        path: Binding,
        body: &[u8],
    ) -> Result<(Listing<F>, PageRequest), Problem> {
        let body = JsonObject::read(body)?;
        let node = |name: &str| JsonNode::in_body(&body, name);
        let text = |name: &str| node(name)?.map(|node| node.required_text()).transpose();
        let digits = |name: &str| node(name)?.map(|node| node.digits()).transpose();
        let mut binding = path;
        for name in LISTING {
            if let Some(node) = node(name)? {
                binding = binding.with(name).with(node.json());
            }
        }
        let (index, size, cursor) = (digits(page::INDEX)?, digits(page::SIZE)?, text(CURSOR)?);
        let request = PageRequest { place: "property", index, size, cursor, binding };
        let mut listing = Listing::of_all(self.page(&request)?, self.now);
        let costs = Costs::default();
        if let Some(node) = node("where")? {
            listing.filter = ConditionReader { now: self.now, costs: &costs }.conditions(&node)?;
        }
        for name in ["order", "orderBy"] {
            let order = node(name)?.map_or(Ok(Vec::new()), |node| order::by_json(&node))?;
            if !order.is_empty() {
                listing.order = order;
            }
        }
        Ok((self.with_q_and_zenql(listing, text("q")?, text("zenql")?, &costs)?, request))
    }
}

/// A comparison, or a condition around others.
pub(crate) struct Condition;

impl PartialSchema for Condition {
    fn schema() -> RefOr<Schema> {
        let around = |name: &str, description: &str| {
            ObjectBuilder::new().property(name, conditions(description)).required(name).build()
        };
        let any = any_of("A comparison, or a condition around others. At most 50 may stand around another.")
            .item(Ref::from_schema_name("Comparison"))
            .item(around("and", "All of these must hold."))
            .item(around("or", "One of these must hold."))
            .item(around("not", "This one, alone or in an array, must not hold."));
        Schema::from(any.build()).into()
    }
}

impl ToSchema for Condition {}

/// A property of a user passes one test. Without a value it passes none but `exists: false` and `equalTo: null`. Case does
/// not matter.
///
/// Moments are dates (`2020-03-01`, `2020-03-01 12:00`, ISO 8601), periods from now (`-1w 2d`; `M` is a month, `m` a minute)
/// or functions: `now(-7)`, and `startOf` or `endOf` with `Day`, `Week`, `Month` or `Year`, as in `startOfYear(-1)`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "its fields only describe what `conditions` reads")]
pub(crate) struct Comparison {
    /// The property, with dots: `credentials.provider.type`, `custom.department`. For `freeText`, `*` is any text.
    #[schema(examples("username"))]
    field: String,
    #[schema(schema_with = scalar)]
    equal_to: Option<()>,
    #[schema(schema_with = pattern)]
    contains: Option<()>,
    #[schema(schema_with = scalar)]
    starts_with: Option<()>,
    #[schema(schema_with = scalar)]
    ends_with: Option<()>,
    #[schema(schema_with = scalar)]
    greater_than: Option<()>,
    #[schema(schema_with = scalar)]
    greater_than_or_equal_to: Option<()>,
    #[schema(schema_with = scalar)]
    less_than: Option<()>,
    #[schema(schema_with = scalar)]
    less_than_or_equal_to: Option<()>,
    #[schema(schema_with = bounds)]
    between: Option<()>,
    #[schema(schema_with = scalars)]
    r#in: Option<()>,
    /// Whether there is a value.
    #[schema(value_type = bool, required = false)]
    exists: Option<bool>,
    #[schema(schema_with = words)]
    free_text: Option<()>,
}

/// By what to sort.
pub(crate) struct UserOrder;

impl PartialSchema for UserOrder {
    fn schema() -> RefOr<Schema> {
        let by = |name: &str| ObjectBuilder::new().property(name, text("A property.")).required(name);
        let signed = text("A property, with `-` before it to be reversed.");
        let any = any_of("By what to sort.")
            .item(text("Properties, separated by commas, those to be reversed with `-` before them."))
            .item(by("asc"))
            .item(by("desc"))
            .item(ArrayBuilder::new().items(AnyOfBuilder::new().item(signed).item(by("asc")).item(by("desc"))));
        Schema::from(any.build()).into()
    }
}

impl ToSchema for UserOrder {}

fn page_index() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(i32::MAX));
    let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+$"));
    let description = "Which page, from zero. Past the last one there are no items.";
    any_of(description).item(number).item(digits).item(null()).build().into()
}

fn page_size() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^0*[1-9][0-9]*$"));
    let description = "The most items of a page. Above 1000 it is 1000, and the answer says so.";
    any_of(description).item(number).item(digits).item(null()).build().into()
}

fn cursor() -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let description = "In place of `pageIndex`: empty for the first page, then the `nextCursor` of the page before.";
    any_of(description).item(text).item(null()).build().into()
}

fn optional_conditions() -> Schema {
    let description = "Conditions that must hold, or one. A search makes at most 4,000 comparisons, with texts of at most 8,000 \
                       characters; 100 of them at most have wildcards or are of custom properties.";
    any_of(description).item(several()).item(condition()).item(null()).build().into()
}

fn conditions(description: &str) -> Schema {
    any_of(description).item(several()).item(condition()).build().into()
}

fn several() -> ArrayBuilder {
    ArrayBuilder::new().items(condition())
}

fn condition() -> Ref {
    Ref::from_schema_name("Condition")
}

fn optional_order() -> Schema {
    let order = Ref::from_schema_name("UserOrder");
    any_of("By what to sort. `orderBy` counts before `order`.").item(order).item(null()).build().into()
}

fn words() -> Schema {
    let operator = text("Whether all words must be there, or one.").enum_values(Some(["and", "or"]));
    let term = ObjectBuilder::new().property("term", text("Words.")).required("term").property("operator", operator);
    any_of("Whole words that must be in the text.").item(text("Words.")).item(term).build().into()
}

fn bounds() -> Array {
    let between = ArrayBuilder::new().items(scalar()).min_items(Some(2)).max_items(Some(2));
    between.description(Some("The least and the most.")).build()
}

fn scalars() -> Array {
    ArrayBuilder::new().items(scalar()).build()
}

fn pattern() -> Object {
    let description = "A part of the text, in which `*` is any number of characters and `?` is one.";
    ObjectBuilder::from(scalar()).description(Some(description)).build()
}

fn scalar() -> Object {
    let types = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean, Type::Null]);
    ObjectBuilder::new().schema_type(types).build()
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Null)
}

fn any_of(description: &str) -> AnyOfBuilder {
    AnyOfBuilder::new().description(Some(description))
}
