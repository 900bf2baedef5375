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
        status in ('loaded', 'already_loaded', 'superseded', 'withdrawn', 'rejected', 'in_transit')
    ),
    -- whether the last load saw this version in landing; what is gone and was never loaded is nobody's worry any more
    is_in_landing boolean not null default true,
    kind varchar check (kind in ('transactions', 'customers', 'segment_overrides')),
    -- csv, xlsx, ods or parquet, and how it was packed: csv.gz, csv.zst, csv.bz2, csv.xz, csv.zip, …
    file_format varchar,
    layout varchar,
    -- name of the mapping under landing.sources that was used
    source_mapping varchar,
    -- files of one source are judged together: the mapping's name, else the layout
    source varchar,
    -- 'uci' or 'plain', and what told; written after the source's lines were looked at
    profile varchar,
    profile_evidence varchar,
    sheets varchar,
    encoding varchar,
    delimiter varchar,
    decimal_mark varchar,
    date_style varchar,
    date_style_evidence varchar,
    -- lines whose month rests on a guess between day first and month first
    assumed_lines bigint,
    -- what was done about times with a UTC offset: 'as written', or 'UTC offset, converted to <zone>'
    clock varchar,
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
    -- hash of reader version, landing settings and the shop's time zone
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
    invoice varchar,
    stock_code varchar,
    description varchar,
    quantity varchar,
    -- date and time; where they stand in two columns, joined by a blank
    invoice_date varchar,
    unit_price varchar,
    -- of the whole line; which of the amounts a file has, its mapping says
    line_amount varchar,
    discount_amount varchar,
    tax_amount varchar,
    currency varchar,
    status varchar,
    -- what the line is, where a column says so: sale, refund, …
    line_kind varchar,
    store varchar,
    customer_id varchar,
    country varchar,
    -- invoice_date read in the one style chosen for the file
    invoiced_at timestamp,
    -- why the line could not be split into fields, and the line itself
    _problem varchar,
    _line_text varchar
);

-- Grain: one row per active delivery of sales: what typing its lines needs to know of the file.
create table if not exists raw.deliveries (
    _load_id integer not null,
    _file_name varchar not null,
    -- files of one source are judged together: the mapping's name, else the layout
    _source varchar not null,
    _layout varchar not null,
    -- 'uci' or 'plain' where a mapping says it (or, when classifying, the snapshot); null: the evidence decides
    _profile varchar check (_profile in ('uci', 'plain')),
    -- decimal marks of the columns
    _quantity_mark varchar not null check (_quantity_mark in ('.', ',')),
    _unit_price_mark varchar not null check (_unit_price_mark in ('.', ',')),
    _line_amount_mark varchar not null check (_line_amount_mark in ('.', ',')),
    _discount_amount_mark varchar not null check (_discount_amount_mark in ('.', ',')),
    _tax_amount_mark varchar not null check (_tax_amount_mark in ('.', ',')),
    -- words of status that are no sale, words of line_kind that are a return: in lower case, trimmed, with single
    -- blanks; null where no mapping names any
    _not_sale_words varchar[],
    _return_words varchar[],
    _prices_include_tax boolean,
    -- what share of the amount a discount of 1 is: 0.01 where discounts are per cent; null where they are amounts
    _discount_unit decimal(3, 2),
    -- the discount that a line tells is its whole order's
    _is_discount_of_order boolean not null default false,
    -- the export of a shop system: its lines stand in the raw table of that name
    _is_export boolean not null default false,
    -- an order stands in it with all its lines: the newest file that has it replaces what others say of it
    _tells_whole_orders boolean not null default false,
    -- how many records the file itself says that it holds, and of which column they are the distinct values
    _told_records bigint,
    _records_of varchar,
    -- the file's modification time, UTC; null where the system would not say
    _delivered_at timestamp,
    _loaded_at timestamp not null,
    _first_invoiced_at timestamp,
    _last_invoiced_at timestamp
);

-- Grain: one row per distinct value (at most 200 of a column) of a column of an active delivery that looks like a
-- status, a currency, a kind of line, a refund, a discount or what a line came to, and that no mapping uses or names as ignored.
create table if not exists raw.unused_columns (
    _load_id integer not null,
    _file_name varchar not null,
    header varchar not null,
    role varchar not null check (role in ('status', 'currency', 'kind', 'refund', 'discount', 'order_discount', 'amount')),
    -- as delivered, trimmed; null where blank; of an amount what it is less than: 25.00 for 3 × 10.00
    value varchar,
    lines bigint not null
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

-- Grain: one row per day and kind of what the calendar says of it: the public holidays of the shop's country, and what
-- the settings name. Written anew with every load.
create table if not exists raw.calendar_days (
    date date not null,
    kind varchar not null check (kind in ('holiday', 'closure', 'promotion')),
    name varchar not null,
    primary key (date, kind)
);

-- Grain: one row, the key that pseudonyms of customers are made with; none where ids stay plain. A copy of the home's
-- pseudonym.key, so that no statement and no log has to hold it.
create table if not exists raw.pseudonym_key (
    key varchar not null
);

-- Grain: one row per source in force and matter that its files can't tell.
create table if not exists quality.source_limits (
    source varchar not null,
    layout varchar not null,
    -- what people call its files
    title varchar not null,
    subject varchar not null,
    -- a sentence for people
    told varchar not null
);
