-- What was pulled from live databases so far. Safe to run again. Private: never published.

create schema if not exists databases;

-- Grain: one row per pull.
create table if not exists databases.pulls (
    pull_id integer primary key,
    database_name varchar not null,
    started_at timestamp not null,
    finished_at timestamp not null,
    -- 'landing': its file is about to be renamed into place, or just was, when a process died
    status varchar not null check (status in ('landing', 'delivered', 'nothing_new', 'failed')),
    -- hash of what was asked for: table or query, columns, order number, watermark
    definition varchar,
    -- asked for everything, whatever was pulled before
    is_complete boolean,
    -- orders were asked for that have a row at or after this; null: everything
    since varchar,
    watermark_kind varchar check (watermark_kind in ('date', 'time', 'instant', 'number')),
    -- the highest watermark seen, ISO 8601
    watermark_until varchar,
    pulled_lines bigint not null default 0,
    -- of orders that are new or differ from their last pull
    delivered_orders bigint not null default 0,
    delivered_lines bigint not null default 0,
    -- path relative to the landing folder
    file_name varchar,
    notes varchar,
    problem varchar
);

-- Grain: one row per order that the next pull will see again, of the last pull of its database.
create table if not exists databases.orders (
    pull_id integer not null,
    -- null: rows without an order number
    order_key varchar,
    digest varchar not null
);
