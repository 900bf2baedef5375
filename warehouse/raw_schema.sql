-- The raw layer and the load ledger. Safe to run again.
-- Text stays as it was delivered: typing belongs to staging, reasons to intermediate.

create schema if not exists raw;
create schema if not exists quality;

-- Grain: one row per delivery, that is, per version of a file that was seen in landing.
create table if not exists quality.load_ledger (
    load_id integer primary key,
    -- path relative to the landing folder
    file_name varchar not null,
    -- sha256; null where the bytes could not be read, or were still arriving
    content_hash varchar,
    size_bytes bigint,
    -- the file's modification time, UTC
    delivered_at timestamp,
    recorded_at timestamp not null,
    status varchar not null check (
        status in ('loaded', 'already_loaded', 'superseded', 'rejected', 'in_transit')
    ),
    kind varchar check (kind in ('transactions', 'customers', 'segment_overrides')),
    file_format varchar check (file_format in ('csv', 'csv.gz', 'xlsx', 'parquet')),
    layout varchar,
    -- name of the mapping under landing.sources that was used
    source_mapping varchar,
    sheets varchar,
    encoding varchar,
    delimiter varchar,
    decimal_mark varchar,
    date_style varchar,
    date_style_evidence varchar,
    delivered_lines bigint,
    loaded_lines bigint,
    unreadable_lines bigint,
    first_invoiced_at timestamp,
    last_invoiced_at timestamp,
    -- why it was rejected
    problem varchar,
    notes varchar,
    superseded_by integer,
    superseded_at timestamp,
    -- hash of reader version and landing settings
    reader_fingerprint varchar
);

-- Grain: one row per delivered transaction line of an active delivery.
create table if not exists raw.transactions (
    -- _load_id * 2^32 + ordinal within the file
    _line_id bigint not null,
    _load_id integer not null,
    _file_name varchar not null,
    _sheet varchar,
    -- physical line of a text file (the header is line 1), row of a sheet
    _row_number bigint not null,
    _layout varchar not null,
    _decimal_mark varchar not null,
    _loaded_at timestamp not null,
    invoice varchar,
    stock_code varchar,
    description varchar,
    quantity varchar,
    invoice_date varchar,
    unit_price varchar,
    customer_id varchar,
    country varchar,
    -- invoice_date read in the one style chosen for the file
    invoiced_at timestamp,
    -- why the line could not be split into fields, and the line itself
    _problem varchar,
    _line_text varchar
);

-- Grain: one row per delivered customer line of an active delivery.
create table if not exists raw.customers (
    _line_id bigint not null,
    _load_id integer not null,
    _file_name varchar not null,
    _sheet varchar,
    _row_number bigint not null,
    _loaded_at timestamp not null,
    customer_id varchar,
    age varchar,
    gender varchar,
    location varchar,
    _problem varchar,
    _line_text varchar
);

-- Grain: one row per delivered override of a customer's segment, of an active delivery.
create table if not exists raw.segment_overrides (
    _line_id bigint not null,
    _load_id integer not null,
    _file_name varchar not null,
    _sheet varchar,
    _row_number bigint not null,
    _loaded_at timestamp not null,
    customer_id varchar,
    segment varchar,
    reason varchar,
    author varchar,
    expires_on varchar,
    -- expires_on read in the one style chosen for the file
    expires_at timestamp,
    _problem varchar,
    _line_text varchar
);
