-- What common columns are called in French and English, one line a meaning, as _spelling() leaves
-- the names. Two names of one meaning fit each other, whichever is the file's and whichever the
-- table's; one with ~ fits as the file's alone, and less well (a "Portable" goes to a column phone
-- where there is none for mobile phones, but a "Tel" is not taken for a mobile phone). Two names of
-- other meanings are never taken for alike. A name may have several meanings ("nom").
-- Called by _alike_pairs().
CREATE OR REPLACE FUNCTION pgimport._common_names()
RETURNS TABLE (
    meaning text,
    spelling text,
    is_weak boolean
)
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $_common_names$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT m.meaning, ltrim(n.word, '~'), starts_with(n.word, '~')
    FROM (
        VALUES
        -- people
        ('first name', 'firstname fname givenname givennames forename prenom prenoms'),
        (
            'last name', 'lastname lname surname familyname nomdefamille nomfamille nomdusage '
            'patronyme nom'
        ),
        (
            'full name', 'fullname name completename nomcomplet nometprenom nomprenom prenomnom '
            'prenometnom nom'
        ),
        ('salutation', 'salutation civilite honorific titredecivilite courtesytitle'),
        ('gender', 'gender sex genre sexe'),
        (
            'birth date', 'birthdate dateofbirth birthday birthdaydate dob datenaissance '
            'datedenaissance datenaiss neele anniversaire dateanniversaire dateanniv'
        ),
        ('birth place', 'birthplace placeofbirth lieunaissance lieudenaissance'),
        ('nationality', 'nationality nationalite'),
        ('language', 'language lang langue'),
        (
            'job title', 'jobtitle fonction poste posteoccupe intituleposte intituledeposte '
            'intituleduposte titredeposte titreduposte'
        ),
        ('occupation', 'occupation profession metier'),
        ('user name', 'username login userlogin nomutilisateur nomdutilisateur loginutilisateur'),
        -- how to reach them
        (
            'e-mail', 'email emailaddress mail mailaddress mel courriel adressemail adresseemail '
            'adressemel adressecourriel adresseelectronique courrierelectronique emailid'
        ),
        (
            'phone', 'phone phonenumber phoneno telephone telephonenumber telephoneno tel telno '
            'telnumber phone1 telephone1 tel1 notelephone notel notdetelephone ntel ntelephone '
            'ndetelephone numtel numtelephone numerotel numerotelephone numerodetelephone '
            'telephonefixe telfixe landline ~mobile ~mobilephone ~portable ~gsm ~cellphone'
        ),
        (
            'mobile', 'mobile mobilephone mobilenumber mobilephonenumber mobileno cell cellphone '
            'cellphonenumber gsm portable telephoneportable telephonemobile telportable telmobile '
            'numeroportable numerodeportable numeromobile numerodemobile'
        ),
        ('fax', 'fax faxnumber faxno telecopie telecopieur numerofax numerodefax'),
        (
            'website', 'website websiteurl siteurl url web webpage webaddress homepage siteweb '
            'siteinternet adresseweb urldusite'
        ),
        -- where they are
        (
            'address', 'address address1 addressline addressline1 addr addr1 street street1 '
            'streetaddress streetaddress1 postaladdress adresse adresse1 adresseligne1 '
            'ligneadresse1 adressepostale adressecomplete fulladdress rue'
        ),
        (
            'address 2', 'address2 addressline2 addr2 street2 streetaddress2 adresse2 '
            'adresseligne2 ligneadresse2 complementadresse complementdadresse'
        ),
        ('postal code', 'postalcode postcode zip zipcode zippostalcode codepostal cp cpostal'),
        ('city', 'city cityname town ville commune localite'),
        ('region', 'region regionname state province stateprovince stateorprovince'),
        ('country', 'country countryname pays nompays'),
        ('country code', 'countrycode codepays paysiso countryiso isocountry codeisopays'),
        ('latitude', 'latitude lat'),
        ('longitude', 'longitude lng lon'),
        -- companies
        (
            'company', 'company companyname organisation organization organisationname '
            'organizationname societe entreprise raisonsociale nomsociete nomdelasociete '
            'nomentreprise nomdelentreprise businessname'
        ),
        (
            'VAT number', 'vatnumber vatno vatid vatregistrationnumber numerotva numerodetva ntva '
            'notva nodetva ndetva idtva tvaintra tvaintracommunautaire numtva '
            'numerotvaintracommunautaire numerodetvaintracommunautaire'
        ),
        (
            'SIRET', 'siret numerosiret nsiret nosiret siretnumber codesiret numsiret '
            'numerodesiret ndesiret'
        ),
        (
            'SIREN', 'siren numerosiren nsiren nosiren sirennumber codesiren numsiren '
            'numerodesiren ndesiren'
        ),
        ('IBAN', 'iban ibannumber ibancode numeroiban codeiban'),
        ('BIC', 'bic biccode codebic swift swiftcode codeswift bicswift swiftbic'),
        ('customer', 'customer customername client clientname nomclient nomduclient'),
        (
            'customer number', 'customernumber customerno clientnumber clientno numeroclient '
            'nclient noclient codeclient customercode clientcode ~customerid ~clientid ~idclient'
        ),
        ('customer id', 'customerid clientid idclient identifiantclient'),
        ('supplier', 'supplier suppliername vendor vendorname fournisseur nomfournisseur'),
        ('team', 'team equipe'),
        ('owner', 'owner proprietaire'),
        ('assignee', 'assignee assignedto assigneea attribuea affectea'),
        -- goods and money
        (
            'product', 'product productname produit nomproduit nomduproduit item itemname article '
            'nomarticle nomdelarticle'
        ),
        (
            'SKU', 'sku productcode productreference productref itemcode articlecode codeproduit '
            'codearticle referenceproduit refproduit referencearticle refarticle'
        ),
        ('barcode', 'barcode ean ean13 gtin codebarre codebarres codeabarres'),
        ('brand', 'brand brandname marque'),
        ('model', 'model modele'),
        ('category', 'category categoryname categorie'),
        ('description', 'description descriptif desc designation'),
        ('label', 'label libelle intitule ~designation'),
        ('title', 'title titre ~intitule'),
        ('quantity', 'quantity qty quantite qte'),
        ('stock', 'stock stockquantity stockqty quantiteenstock qteenstock qtestock'),
        ('unit', 'unit uom unitofmeasure unite unitedemesure'),
        ('price', 'price prix ~unitprice ~prixunitaire ~pu ~tarif'),
        ('unit price', 'unitprice priceperunit prixunitaire pu ~price ~prix'),
        ('amount', 'amount montant somme'),
        ('net amount', 'netamount montantht totalht montanthorstaxes amountexcludingtax'),
        ('gross amount', 'grossamount montantttc totalttc amountincludingtax'),
        ('total', 'total totalamount grandtotal montanttotal'),
        ('currency', 'currency currencycode devise codedevise monnaie'),
        ('VAT', 'vat tva'),
        ('VAT rate', 'vatrate tauxtva tauxdetva'),
        ('discount', 'discount remise rabais'),
        (
            'payment method', 'paymentmethod modepaiement modedepaiement modereglement '
            'modedereglement moyendepaiement'
        ),
        ('colour', 'color colour couleur'),
        ('size', 'size taille'),
        ('weight', 'weight poids'),
        ('width', 'width largeur'),
        ('height', 'height hauteur'),
        ('length', 'length longueur'),
        -- dates
        ('date', 'date'),
        ('time', 'time heure'),
        ('year', 'year annee'),
        ('month', 'month mois'),
        ('day', 'day jour'),
        (
            'start', 'start startdate datestart begindate debut datedebut datededebut startson '
            'startsat startat'
        ),
        ('end', 'end enddate dateend fin datefin datedefin endson endsat endat'),
        ('start time', 'starttime heuredebut heurededebut'),
        ('end time', 'endtime heurefin heuredefin'),
        ('duration', 'duration duree'),
        (
            'created', 'createdat createdon created creationdate datecreated datecreation '
            'datedecreation creele'
        ),
        (
            'updated', 'updatedat updatedon updated modifiedat modifiedon lastmodified '
            'lastmodifieddate modificationdate dateupdated datemodification datedemodification '
            'datemaj modifiele'
        ),
        ('due date', 'duedate echeance dateecheance datedecheance'),
        ('order date', 'orderdate datecommande datedecommande'),
        ('invoice date', 'invoicedate datefacture datedefacture'),
        ('appointment', 'appointment rendezvous rdv'),
        -- records
        ('id', 'id identifier identifiant'),
        (
            'external id', 'externalid externalidentifier externalref externalreference idexterne '
            'identifiantexterne referenceexterne refexterne'
        ),
        ('reference', 'reference ref referencenumber referenceno refno numeroreference'),
        ('number', 'number numero num'),
        (
            'order number', 'ordernumber orderno numerocommande numerodecommande ncommande '
            'ndecommande '
            'nocommande numcommande ~orderid ~idcommande'
        ),
        ('order id', 'orderid idcommande'),
        (
            'invoice number', 'invoicenumber invoiceno numerofacture numerodefacture nfacture '
            'ndefacture '
            'nofacture numfacture'
        ),
        ('status', 'status statut etat'),
        ('type', 'type'),
        ('code', 'code'),
        ('origin', 'origin origine provenance'),
        ('tags', 'tags etiquettes'),
        ('keywords', 'keywords motscles'),
        ('active', 'active isactive actif estactif'),
        (
            'notes', 'notes note comment comments commentaire commentaires remark remarks remarque '
            'remarques observation observations'
        )
    ) AS m (meaning, words)
    CROSS JOIN LATERAL string_to_table(m.words, ' ') AS n (word);
END
$_common_names$;

COMMENT ON FUNCTION pgimport._common_names() IS
'internal: French and English names of common columns, by meaning.';
